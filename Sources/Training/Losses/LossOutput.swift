import Analysis
import IR
import Operators
import Runtime

/// The output a loss is taken of, and what is known of it before the model runs.
struct LossOutput {
  let name: String
  /// `nil` where it follows from the data.
  let shape: [Int]?

  init(_ model: Model, _ loss: Loss, inputShapes: [String: [Int]]) throws(TrainingError) {
    let info = try LossGraph.output(of: model, loss.output)
    name = model.name(of: info.value)
    var concrete = model
    for index in concrete.graph.inputs.indices {
      guard let shape = inputShapes[model.name(of: concrete.graph.inputs[index].value)] else { continue }
      concrete.graph.inputs[index].type?.tensor?.shape = shape.map { DeclaredSize(.known(Int64($0))) }
    }
    let facts: [Facts]
    do { facts = try ShapeInference(concrete, registry: .runtime).facts } catch {
      throw TrainingError(.model, "\(error)")
    }
    if let type = facts[info.value.index].type, !type.isFloatingPoint {
      throw TrainingError(.model, "output \(name) holds \(type), of which there is no loss; choose another output")
    }
    let sizes = facts[info.value.index].shape?.map(\.known)
    let known = sizes?.compactMap { $0 }
    shape = known?.count == sizes?.count ? known : nil
  }

  /// - Throws: where a node of the model cannot be run on inputs of these shapes.
  func nameWhatCannotRun(_ model: Model, inputShapes: [String: [Int]]) throws(TrainingError) {
    var types: [String: (type: DataType, shape: [Int])] = [:]
    for info in model.graph.inputs {
      guard let shape = inputShapes[model.name(of: info.value)],
        let type = info.type?.tensor?.elementType.flatMap(DataType.init(rawValue:))
      else { continue }
      types[model.name(of: info.value)] = (type, shape)
    }
    do throws(RuntimeError) { try Session(model).prepare(for: types) } catch { throw TrainingError(error) }
  }
}
