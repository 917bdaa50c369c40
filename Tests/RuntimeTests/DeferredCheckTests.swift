import IR
import TestSupport
import Testing

@testable import Runtime

@Suite("What cannot be run is named before anything runs")
struct DeferredCheckTests {
  private func message(_ text: String, shapes: [String: (type: DataType, shape: [Int])]) throws -> String {
    let session = try Session(try GraphText.model(text))
    do {
      try session.prepare(for: shapes)
      return "nothing"
    } catch {
      return error.description
    }
  }

  @Test("a node whose shape follows from the data")
  func behindData() throws {
    let text = """
      count: int64[]
      r = Range(zero<0>, count, one<1>)
      f = Cast(r) { to: 1 }
      u = Unsqueeze(f, axes<0>)
      padding = Pad(u, pads<1, 1, 1, 1>) { mode: "sideways" }
      y = ReduceSum(padding) { keepdims: 0 }
      return y
      """
    let shapes: [String: (type: DataType, shape: [Int])] = ["count": (.int64, [])]
    #expect(try message(text, shapes: shapes).hasPrefix("cannot run node padding (Pad): padding by sideways"))
    // With a mode there is, nothing speaks against it.
    #expect(try message(text.replacing("sideways", with: "edge"), shapes: shapes) == "nothing")
  }

  @Test("what depends on sizes nobody knows is left until they are known")
  func sizes() throws {
    // Whether the kernel's axes can be convolved over is known; whether its channels fit is not.
    let text = """
      count: int64[]
      r = Range(zero<0>, count, one<1>)
      f = Cast(r) { to: 1 }
      u = Unsqueeze(f, axes<0, 1>)
      y = Conv(u, w[2, 1, 3])
      return y
      """
    #expect(try message(text, shapes: ["count": (.int64, [])]) == "nothing")
  }

  @Test("sizes whose product overflows are left until all of them are known")
  func overflow() throws {
    let text = """
      count: int64[]
      r = Range(zero<0>, count, one<1>)
      f = Cast(r) { to: 1 }
      u = Unsqueeze(f, axes<1, 2>)
      e = Expand(u, sizes<1, 1099511627776, 1099511627776>)
      y = Relu(e)
      return y
      """
    #expect(try message(text, shapes: ["count": (.int64, [])]) == "nothing")
  }
}
