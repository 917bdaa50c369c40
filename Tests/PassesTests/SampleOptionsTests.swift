import IR
import Passes
import Testing

/// The five passes that run a model on samples take them in the same way.
@Suite("Options of samples")
struct SampleOptionsTests {
  private static let names = ["data", "calibration", "samples", "batch"]

  static let passes: [any Pass.Type] = [
    BiasCorrectionPass.self, PrunePass.self, RecalibratePass.self, ReconstructPass.self, RefinePass.self,
  ]

  @Test("every pass that needs samples has the same options for them", arguments: 0..<5)
  func sameOptions(index: Int) {
    let options = Self.passes[index].options.filter { Self.names.contains($0.name) }
    #expect(options.map(\.name) == Self.names)
    #expect(options.map(\.defaultText) == [nil, nil, "256", "32"])
  }

  @Test("all but recalibrate, which takes no noise, fit noise to the model in so many steps as are asked for")
  func fitSteps() {
    for pass in Self.passes {
      let option = pass.options.first { $0.name == "fit_steps" }
      #expect(option?.defaultText == (pass.name == "recalibrate" ? nil : "100"))
    }
    let values = options(["calibration": .text("noise"), "fit_steps": .integer(10_001), "ratio": .number(0.5)])
    let text = message { _ = try PrunePass(values) }
    #expect(text == "pipeline.yaml:3:5: fit_steps must be from 0 to 10000")
  }

  @Test("steps of fitting are refused where nothing is generated", arguments: ["calibration", "data"])
  func stepsWithoutNoise(source: String) {
    for pass in Self.passes where pass.name != "recalibrate" {
      let values = options([source: .text("a.npz"), "fit_steps": .integer(10), "ratio": .number(0.5)])
      let text = message { _ = try pass.init(values) }
      #expect(text == "pipeline.yaml:3:5: fit_steps is for generated samples; it needs calibration: noise")
    }
    let values = options(["fit_steps": .integer(10), "ratio": .number(0.5)])
    #expect(message { _ = try PrunePass(values) }.contains("fit_steps is for generated samples"))
  }

  @Test("passes that measure moments take so much memory for them as is said, in megabytes")
  func momentMemory() {
    for pass in Self.passes {
      let option = pass.options.first { $0.name == "moment_memory" }
      guard ["prune", "reconstruct", "refine"].contains(pass.name) else {
        #expect(option == nil)
        continue
      }
      #expect(option?.defaultText == "1024")
      let values = options([
        "calibration": .text("noise"), "moment_memory": .integer((1 << 20) + 1), "ratio": .number(0.5),
      ])
      let text = message { _ = try pass.init(values) }
      #expect(text == "pipeline.yaml:3:5: moment_memory must be from 1 to 1048576")
    }
  }

  @Test("data and calibration exclude each other", arguments: 0..<5)
  func both(index: Int) {
    let values = options(["data": .text("a.npz"), "calibration": .text("b.npz"), "ratio": .number(0.5)])
    let text = message { _ = try Self.passes[index].init(values) }
    #expect(text == "pipeline.yaml:3:5: data and calibration exclude each other")
  }
}
