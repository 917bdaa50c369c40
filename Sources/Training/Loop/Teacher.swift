import DataSources
import IR
import Runtime

/// A model whose outputs a student follows.
struct Teacher {
  private let session: Session
  private let output: String

  /// - Parameters:
  ///   - fit: what the student is given, which the teacher is given too.
  ///   - batch: samples at once.
  ///   - name: of the student's output; the teacher's first output is followed where it has none of that name.
  ///   - shape: of the student's output.
  /// - Throws: where the teacher takes or gives something else than the student, or cannot be run.
  init(
    _ model: Model, given fit: DataFit, batch: Int, following name: String, of shape: [Int], _ options: RuntimeOptions
  ) throws(TrainingError) {
    let shapes = fit.shapes(batch: batch).inputs
    let types = try Self.types(of: model, fit, shapes)
    let names = model.graph.outputs.map { model.name(of: $0.value) }
    output = names.first { $0 == name } ?? names.first ?? ""
    let found: [Int]?
    do {
      found = try LossOutput(model, Loss(.meanSquaredError, output: output), inputShapes: shapes).shape
      session = try Session(model, options: options)
      try session.prepare(for: types)
    } catch {
      throw TrainingError(.model, "the teacher: \(error)")
    }
    if let found, found != shape {
      throw TrainingError(
        .model,
        "the teacher's output \(output) has shape \(found), the student's \(name) \(shape); give a teacher of the same "
          + "classes, or another output")
    }
  }

  /// What the teacher is given, by its inputs.
  private static func types(
    of model: Model, _ fit: DataFit, _ shapes: [String: [Int]]
  ) throws(TrainingError) -> [String: (type: DataType, shape: [Int])] {
    let inputs = ExpectedInput.all(of: model)
    guard Set(inputs.map(\.name)) == Set(shapes.keys) else {
      let (own, student) = (inputs.map(\.name).sorted(), shapes.keys.sorted())
      throw TrainingError(
        .model,
        "the teacher takes \(own.joined(separator: ", ")), the student \(student.joined(separator: ", ")); give the "
          + "inputs of both the same names")
    }
    var types: [String: (type: DataType, shape: [Int])] = [:]
    for input in inputs {
      guard let shape = shapes[input.name], let given = fit.data.field(input.name)?.dataType else { continue }
      if let batch = shape.first, case .known(let size)? = input.shape?.first, size > 0, Int(size) != batch {
        throw TrainingError(
          .settings,
          "the teacher takes exactly \(counted(Int(size), "sample")) at once, the batch has \(batch); "
            + "make it \(size) (--batch), or give a teacher that takes any number")
      }
      let declared = input.dataType ?? given
      // Half precision is widened when it is read.
      let isWidened = given == .float && (declared == .float16 || declared == .bfloat16)
      guard declared == given || isWidened else {
        throw TrainingError(
          .model, "the teacher takes input \(input.name) as \(declared), the student as \(given); convert one of them")
      }
      types[input.name] = (declared, shape)
    }
    return types
  }

  func callAsFunction(_ inputs: [String: Tensor]) throws(RuntimeError) -> Tensor? {
    try session.run(inputs)[output]?.converted(to: .float)
  }
}
