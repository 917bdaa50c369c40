import DataSources
import IR
import Runtime
import TestSupport
import Testing
import Training

/// Teachers that cannot teach a student are refused before training starts.
@Suite("Teachers")
struct TeacherTests {
  private func fault(_ teacher: String?, distils: Bool = true) throws -> String {
    let arrays: [(name: String, numbers: [Int64])] = [("ids", [0, 1, 2, 3]), ("label", [0, 1, 2, 0])]
    let data = try ArrayDataset(
      arrays.map { array in
        StoredArray(
          field: array.name, source: array.name,
          tensor: Tensor(name: array.name, int64s: array.numbers, shape: [4, 1]))
      }, source: "d.npz")
    let student = try GraphText.model("ids: int64[N, 1]\ny = Gather(t[5, 3], ids)\nreturn y")
    let settings = TrainingSettings(
      loss: Loss(.crossEntropy(), distillation: distils ? Loss.Distillation() : nil), rule: SGD(), learningRate: 0.1,
      batch: 2, duration: .steps(1))
    do {
      _ = try Trainer(student, data: data, teacher: try teacher.map { try GraphText.model($0) }, settings: settings)
        .next()
      return "nothing"
    } catch let error as TrainingError {
      return error.description
    }
  }

  @Test("one that takes and gives what the student does is taken")
  func sound() throws {
    #expect(try fault("ids: int64[N, 1]\nz = Gather(u[5, 3], ids)\nreturn z") == "nothing")
    #expect(try fault(nil, distils: false) == "nothing")
  }

  @Test("other inputs, types, sizes and outputs are named")
  func others() throws {
    let table = "y = Gather(u[5, 3], ids)\nreturn y"
    #expect(
      try fault("words: int64[N, 1]\ny = Gather(u[5, 3], words)\nreturn y").contains(
        "the teacher takes words, the student ids"))
    #expect(try fault("ids: float[N, 1]\n\(table)").contains("takes input ids as float, the student as int64"))
    #expect(try fault("ids: int64[3, 1]\n\(table)").contains("takes exactly 3 samples at once, the batch has 2"))
    #expect(try fault("ids: int64[1, 1]\n\(table)").contains("takes exactly 1 sample at once, the batch has 2"))
    #expect(
      try fault("ids: int64[N, 1]\ny = Gather(u[5, 4], ids)\nreturn y").contains(
        "output y has shape [2, 1, 4], the student's y [2, 1, 3]"))
    #expect(
      try fault("ids: int64[N, 1]\nh = acme:Frobnicate(ids)\ny = Gather(u[5, 3], h)\nreturn y").contains(
        "the teacher: "))
  }

  @Test(
    "data without labels do where nothing but the teacher is followed, and only there",
    arguments: [Loss(.crossEntropy()), Loss(.meanSquaredError)])
  func unlabelled(loss: Loss) throws {
    let model = try GraphText.model("x: float[N, 3]\ny = Gemm(x, w[3, 4], b[4])\nreturn y")
    let teacher = try GraphText.model("x: float[N, 3]\ny = Gemm(x, v[3, 4], c[4])\nreturn y")
    let x = Tensor(name: "x", floats: (0..<24).map { Float($0 % 7) / 7 }, shape: [8, 3])
    let data = try ArrayDataset([StoredArray(field: "x", source: "x", tensor: x)], source: "d.npz")
    var loss = loss
    func trainer(share: Float) throws -> Trainer {
      loss.distillation = Loss.Distillation(temperature: 1, share: share)
      return try Trainer(
        model, data: data, teacher: teacher,
        settings: TrainingSettings(loss: loss, rule: SGD(), learningRate: 0.5, batch: 8, duration: .steps(200)))
    }
    let following = try trainer(share: 1)
    let first = try following.next()
    var last = first
    while !following.isFinished { last = try following.next() }
    #expect(last.hasLoss && last.loss < first.loss)
    let error = #expect(throws: TrainingError.self) { try trainer(share: 0.5) }
    #expect(error?.description.contains("has no labels") == true)
  }

  /// A teacher that adds a number in the branch it takes.
  private func branching(_ number: Float) throws -> Model {
    var model = try GraphText.model("ids: int64[N, 1]\nh = Gather(u[5, 3], ids)\ny = Identity(h)\nreturn y")
    let region = ByteRegion(copying: [UInt8(1)])
    let condition = model.addValue(named: "condition")
    model.graph.initializers.append(
      Initializer(value: condition, tensor: Tensor(dataType: .bool, shape: [], storage: .bytes(region))))
    let (constant, sum) = (model.addValue(named: "c"), model.addValue(named: "s"))
    let payload = Attribute(name: "value", value: .tensor(Tensor(floats: [number], shape: [])))
    let body = Graph(
      nodes: [
        Node(inputs: [], outputs: [constant], opType: "Constant", attributes: [payload]),
        Node(inputs: [model.graph.nodes[0].outputs[0], constant], outputs: [sum], opType: "Add"),
      ], outputs: [ValueInfo(value: sum, type: nil)])
    model.graph.nodes[1].opType = "If"
    model.graph.nodes[1].inputs = [condition]
    for name in ["then_branch", "else_branch"] { model.graph.nodes[1].setAttribute(name, .graph(body)) }
    return model
  }

  @Test("teachers that differ in a branch, a type, an operator set or a domain are told apart in checkpoints")
  func fingerprints() throws {
    let model = try branching(1)
    #expect(try Fingerprint(of: model).text == Fingerprint(of: branching(1)).text)
    var (newer, typed, foreign) = (model, model, model)
    newer.opsetImports[0].version = 18
    typed.graph.inputs[0].type?.tensor?.elementType = DataType.int32.rawValue
    foreign.graph.nodes[0].domain = "acme"
    let others = [try branching(2), newer, typed, foreign]
    #expect(Set(([model] + others).map { Fingerprint(of: $0).text }).count == 5)
  }

  @Test("a teacher and a loss that distils need each other")
  func alone() throws {
    #expect(try fault(nil).contains("distillation needs a teacher"))
    #expect(
      try fault("ids: int64[N, 1]\ny = Gather(u[5, 3], ids)\nreturn y", distils: false).contains("does not distil"))
  }
}
