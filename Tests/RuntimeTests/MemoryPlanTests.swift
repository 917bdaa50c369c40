import Testing

@testable import Runtime

@Suite("Memory plan")
struct MemoryPlanTests {
  private func plan(_ requests: [(bytes: Int, lifetime: ClosedRange<Int>)]) -> MemoryPlan {
    MemoryPlan(requests.map { MemoryPlan.Request(byteCount: $0.bytes, lifetime: $0.lifetime) })
  }

  @Test("tensors that are not needed at the same time share memory")
  func sharing() {
    let plan = plan([(1000, 0...1), (1000, 1...2), (1000, 2...3)])
    #expect(plan.byteCount == 2048)
    #expect(plan.offsets[0] == plan.offsets[2])
    #expect(plan.offsets[0] != plan.offsets[1])
  }

  @Test("tensors that live at the same time never overlap, whatever their sizes and lifetimes")
  func noOverlap() {
    var state: UInt64 = 1
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<200 {
      let requests = (0..<40).map { _ in
        let birth = next(30)
        return (bytes: next(5000), lifetime: birth...(birth + next(10)))
      }
      let plan = plan(requests)
      for (a, first) in requests.enumerated() {
        for (b, second) in requests.enumerated() where a < b && first.bytes > 0 && second.bytes > 0 {
          guard first.lifetime.overlaps(second.lifetime) else { continue }
          let ranges = (
            plan.offsets[a]..<(plan.offsets[a] + first.bytes), plan.offsets[b]..<(plan.offsets[b] + second.bytes)
          )
          #expect(!ranges.0.overlaps(ranges.1))
        }
      }
      let peak =
        (0..<40).map { step in
          requests.filter { $0.lifetime.contains(step) }.reduce(0) { $0 + MemoryPlan.aligned($1.bytes) }
        }.max() ?? 0
      #expect(plan.byteCount >= peak)
      #expect(plan.byteCount <= peak * 2)
    }
  }

  @Test("offsets are aligned, and nothing takes no memory")
  func alignment() {
    let plan = plan([(1, 0...0), (65, 0...0), (0, 0...5)])
    #expect(plan.offsets.allSatisfy { $0 % MemoryPlan.alignment == 0 })
    #expect(plan.byteCount == 192)
  }
}
