import Testing

@Suite("Options of samples")
struct SamplingOptionTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    let options: String
    let message: String

    var testDescription: String { options }
  }

  static let mistakes = [
    Mistake(options: "--samples 0", message: "--samples must be at least 1"),
    Mistake(options: "--batch 0", message: "--batch must be at least 1"),
    Mistake(options: "--fit-steps -1 --calibration noise", message: "--fit-steps must be from 0 to"),
    Mistake(options: "--fit-steps 1", message: "--fit-steps is for generated samples; it needs --calibration noise"),
  ]

  @Test(
    "every command that looks at samples refuses the same in the same words",
    arguments: [
      "prune chain.onnx --ratio 0.5 -o a.onnx", "plan chain.onnx --ratio 0.5",
      "apply chain.onnx --plan p.json -o a.onnx", "scores chain.onnx", "sensitivity chain.onnx",
      "compare chain.onnx --data rows.csv --criteria l1 --ratios 0.5",
    ], mistakes)
  func refusals(command: String, mistake: Mistake) throws {
    let outcome = try Tool().run("coppice \(command) \(mistake.options)")
    #expect(outcome.code == 64)
    #expect(outcome.err.contains(mistake.message), "\(outcome.err)")
  }
}
