import ArgumentParser
import Coppice

/// How much goes.
struct TargetArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Share of each chosen dimension to remove, between 0 and 1.", valueName: "share"))
  var ratio: Share?

  @Option(
    help: ArgumentHelp("Multiply-accumulates of the result at most, such as 50% or 2.0G.", valueName: "amount"))
  var macs: String?

  @Option(help: ArgumentHelp("Parameters of the result at most, such as 50% or 10M.", valueName: "amount"))
  var params: String?

  @Option(help: ArgumentHelp("Bytes of the result's files at most, such as 50%, 20MB or 20MiB.", valueName: "amount"))
  var size: String?

  var isGiven: Bool { ratio != nil || [macs, params, size].contains { $0 != nil } }

  func target() throws -> Target {
    var budgets: [Budget] = []
    for (quantity, text) in [(Quantity.macs, macs), (.parameters, params), (.size, size)] {
      if let text { budgets.append(try Budget(quantity, parsing: text)) }
    }
    guard let ratio else {
      guard !budgets.isEmpty else { throw ValidationError("say how much: --ratio, --macs, --params or --size") }
      return .budgets(budgets)
    }
    guard budgets.isEmpty else { throw ValidationError("--ratio cannot be combined with --macs, --params or --size") }
    guard ratio.value > 0, ratio.value < 1 else {
      throw ValidationError("--ratio must be between 0 and 1, not \(ratio.value)")
    }
    return .ratio(ratio.value)
  }
}

/// A number, or a percentage as the hundredth of one.
struct Share: ExpressibleByArgument {
  let value: Double

  init?(argument: String) {
    let isPercent = argument.hasSuffix("%")
    guard let number = Double(isPercent ? String(argument.dropLast()) : argument), number.isFinite else { return nil }
    value = isPercent ? number / 100 : number
  }
}
