import Synchronization
import Testing

@testable import Kernels

@Suite("Workers")
struct WorkersTests {
  @Test("every piece is done once, from several threads at the same time and within each other")
  func everyPieceOnce() async {
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          let sum = Atomic(0)
          for _ in 0..<200 {
            Workers(count: 3).forEach(7) { piece in
              Workers(count: 2).forEach(3) { _ in sum.wrappingAdd(piece, ordering: .relaxed) }
            }
          }
          return sum.load(ordering: .relaxed) == 200 * 3 * 21
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  @Test(
    "zeros are as many as asked for, and nothing else", arguments: [0, 1, 1 << 16, (1 << 16) + 1, 200_001], [1, 3])
  func zeros(count: Int, threads: Int) {
    // New memory is zero anyway.
    withExtendedLifetime([Double](repeating: .nan, count: count)) {}
    let zeros = Workers(count: threads).zeros(count)
    #expect(zeros.count == count && zeros.allSatisfy { $0.bitPattern == 0 })
  }
}
