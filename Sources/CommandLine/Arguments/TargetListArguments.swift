import ArgumentParser
import Coppice

/// How much goes, several times over: every share is a target of its own.
struct TargetListArguments: ParsableArguments {
  @Option(help: ArgumentHelp("MACs that may be left, as shares divided by commas.", valueName: "list"))
  var macs: ShareList?
  @Option(help: ArgumentHelp("Parameters that may be left, as shares divided by commas.", valueName: "list"))
  var params: ShareList?
  @Option(help: ArgumentHelp("Shares of each chosen dimension to remove, divided by commas.", valueName: "list"))
  var ratios: ShareList?

  /// - Throws: for none and for several kinds, which are different ways down: a line through both would mean nothing.
  func targets() throws -> [Target] {
    switch (macs, params, ratios) {
    case (let macs?, nil, nil):
      try macs.check("--macs", allowsOne: true)
      return macs.values.map { Target.macs(.fraction($0)) }
    case (nil, let params?, nil):
      try params.check("--params", allowsOne: true)
      return params.values.map { Target.parameters(.fraction($0)) }
    case (nil, nil, let ratios?):
      try ratios.check("--ratios")
      return ratios.values.map { Target.ratio($0) }
    default: throw ValidationError("say how much: one of --macs, --params and --ratios")
    }
  }
}
