import Passes
import TestSupport

/// Runs one pass on a model in text form.
func run(_ pass: any Pass, on model: inout Model) throws -> PassRecord {
  let context = Context(model: model, source: Context.Source(path: "model.onnx"))
  let records = try Pipeline([pass]).run(&model, in: context)
  return records[0]
}

/// A node a line, by names.
func listing(_ model: Model) -> [String] {
  model.graph.nodes.map { node in
    let inputs = node.inputs.map { $0.map(model.name(of:)) ?? "_" }.joined(separator: ", ")
    let outputs = node.outputs.map { $0.map(model.name(of:)) ?? "_" }.joined(separator: ", ")
    return "\(outputs) = \(node.opType)(\(inputs))"
  }
}
