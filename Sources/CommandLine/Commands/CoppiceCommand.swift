import ArgumentParser
import Coppice

@main
struct CoppiceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coppice",
    abstract: "Makes ONNX models smaller by removing whole channels, heads and hidden units.",
    discussion: """
      EXAMPLES
        coppice prune model.onnx --ratio 0.5 -o small.onnx
        coppice groups model.onnx --remarks
        coppice plan model.onnx --ratio 0.3 -o plan.json
        coppice apply model.onnx --plan plan.json -o small.onnx
        coppice run pipeline.yaml --set prune.ratio=0.4
        coppice train small.onnx --data train.npz --lr 0.01 --epochs 5 -o trained.onnx
        coppice eval trained.onnx --data test.npz
        coppice infer trained.onnx --input x.npz -o y.npz
        coppice bench model.onnx trained.onnx --batch 8
      """,
    version: Release.version,
    subcommands: [
      Inspect.self, Groups.self, Scores.self, SensitivityCommand.self, Compare.self, PlanCommand.self, Apply.self,
      Prune.self, Run.self, Verify.self, Infer.self, Eval.self, Train.self, Bench.self, PassesCommand.self,
      OperatorsCommand.self, Config.self, Completion.self, Copy.self, Gradients.self, Repeat.self, Shapes.self,
    ])

  static func main() {
    Interruption.install()
    MemoryReuse.install()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Failure.exit(with: error)
    }
  }
}
