import ArgumentParser
import Coppice

/// Shapes of inputs for which MACs are counted.
struct InputShapeArguments: ParsableArguments {
  @Option(
    name: .customLong("input-shape"),
    help: ArgumentHelp(
      "Shape of an input for counting MACs, such as input=1x3x224x224, where the model leaves sizes open. May be repeated.",
      valueName: "name=shape"))
  var shapes: [String] = []

  func validate() throws { _ = try parsed() }

  func parsed() throws -> InputShapes {
    do { return try InputShapes(parsing: shapes) } catch { throw ValidationError("\(error)") }
  }
}
