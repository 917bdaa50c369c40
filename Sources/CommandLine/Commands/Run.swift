import ArgumentParser
import Coppice

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a pipeline file.",
    discussion: """
      Relative paths in the file start at the file's folder; paths on the command line at the working directory.
      See Docs/Pipeline.md for the format.

      EXAMPLE
        coppice run pipeline.yaml --set prune.ratio=0.4 -o small.onnx
      """)

  @Argument(help: "The pipeline file.", completion: .file(extensions: ["yaml", "yml"])) var pipeline: String
  @OptionGroup var overrides: OverrideArguments
  @Option(
    name: [.short, .long], help: ArgumentHelp("Where the model goes, instead of output.model.", valueName: "path"),
    completion: .file(extensions: ["onnx"]))
  var output: String?
  @Flag(help: "Replace outputs that exist.") var force = false
  @Flag(help: "Print the report as JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    var file = try overrides.read(pipeline)
    if let output { file.output.model = output }
    let digest = BackgroundDigest(try ModelFile(path: file.modelPath).bytes)
    var options = PipelineRun.Options()
    options.overwrite = force
    options.digest = { digest.value() }
    let (logger, progress) = (talk.logger, talk.progress)
    options.configure = { context in
      context.logger = logger
      context.progress = progress
    }
    let run = try PipelineRun(file, options: options)
    if talk.verbose {
      for plan in run.records.compactMap(\.report.plan) { Talk.say(keptTable(plan.groups)) }
    }
    try run.write(overwrite: force)
    if json {
      try printOut(run.json.text(linesTo: 2))
    } else if !talk.quiet {
      try printOut(Summary(before: run.before, after: run.after, seconds: run.seconds).text)
      if file.output.model == nil { Talk.say("note: nothing was written; give -o or set output.model") }
    }
  }
}

/// Values given over those of a pipeline file.
struct OverrideArguments: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Set a value over the file's, such as prune.ratio=0.4; can be repeated.", valueName: "key=value")
  )
  var values: [String] = []

  func read(_ path: String) throws -> PipelineFile {
    try PipelineFile(contentsOf: path, overrides: try values.map { try ConfigOverride(parsing: $0) })
  }
}
