import Analysis
import IR
import Pruning
import Runtime
import TestSupport
import Testing

@testable import SparseTraining
@testable import Training

/// Training with HESSO: what it reaches, that what is left equals what was trained, and what it refuses.
@Suite("HESSO")
struct HESSOTests {
  private func settings(start: Int = 4, steps: Int = 20, periods: Int = 4, roundTo: Int = 1) -> HESSOSettings {
    var settings = HESSOSettings()
    (settings.start, settings.pruningSteps, settings.periods, settings.roundTo) = (start, steps, periods, roundTo)
    return settings
  }

  private func train(_ hesso: HESSO, shape: [Int], steps: Int) throws {
    for step in 0..<steps {
      _ = try hesso.backward(Loss(.crossEntropy()), SmallModels.batch(step, shape: shape))
      try hesso.step()
    }
  }

  private func expectEqual(_ a: Model, _ b: Model, shape: [Int]) throws {
    let inputs = ["x": SmallModels.batch(99, shape: shape)["x"] ?? Tensor(floats: [])]
    let (left, right) = (try Session(a).run(inputs)["y"]?.floats(), try Session(b).run(inputs)["y"]?.floats())
    let (x, y) = (try #require(left), try #require(right))
    #expect(x.count == y.count && !x.isEmpty)
    for (x, y) in zip(x, y) { #expect(abs(x - y) <= 1e-5 * max(1, abs(y))) }
  }

  @Test(
    "the smaller model equals the trained one, and lacks the share that was asked for",
    arguments: [
      HESSO.Base.sgd(learningRate: 0.05, momentum: 0.9), .adam(learningRate: 0.01), .adamW(learningRate: 0.01),
    ],
    [
      (SmallModels.residual, [8, 3, 6, 6]), (SmallModels.perceptron, [16, 10]), (SmallModels.sigmoid, [16, 10]),
      (SmallModels.shifted, [8, 3, 6, 6]),
    ])
  func constructs(base: HESSO.Base, model: (text: String, shape: [Int])) throws {
    let hesso = try HESSO(
      try GraphText.model(model.text), target: .groupSparsity(0.5), base: base, totalSteps: 40, settings: settings())
    try train(hesso, shape: model.shape, steps: 40)
    #expect(hesso.sparsity == 0.5)
    let small = try hesso.construct()
    #expect(small.elementCount < hesso.model.trainedModel().elementCount)
    try expectEqual(small, hesso.model.trainedModel(), shape: model.shape)
  }

  @Test("kept sizes are multiples, and groups that are smaller stay")
  func rounds() throws {
    let hesso = try HESSO(
      try GraphText.model(SmallModels.perceptron), target: .groupSparsity(0.4),
      base: .sgd(learningRate: 0.05), totalSteps: 40, settings: settings(roundTo: 8))
    try train(hesso, shape: [16, 10], steps: 40)
    let widths = try hesso.construct().graph.initializers.map(\.tensor.shape)
    #expect(widths[0][1] % 8 == 0 && widths[0][1] < 24)
    // Of 20 units 16 or all stay.
    #expect([8, 16, 20].contains(widths[2][0]))
  }

  @Test("of each group the least share stays")
  func keeps() throws {
    var settings = settings()
    settings.minimumKeepShare = 0.45
    let hesso = try HESSO(
      try GraphText.model(SmallModels.perceptron), target: .groupSparsity(0.546),
      base: .sgd(learningRate: 0.05), totalSteps: 40, settings: settings)
    try train(hesso, shape: [16, 10], steps: 40)
    // 11 of 24 and 9 of 20.
    let widths = try hesso.construct().graph.initializers.map(\.tensor.shape)
    #expect(widths[0] == [10, 11] && widths[2] == [9, 11])
  }

  @Test(
    "where nothing else is said, three quarters of what an even cut leaves of each group stays", arguments: [0.5, 0.7])
  func usualShare(sparsity: Double) throws {
    let model = try TrainableModel(
      try GraphText.model(SmallModels.perceptron), rule: SGD(), options: RuntimeOptions(workers: .one))
    let steps = try HESSOSteps(
      model.model, model.parameters, target: .groupSparsity(sparsity), totalSteps: 40, settings: settings())
    // All of the first group before any of the second.
    let saliency = (0..<44).map { Double($0) }
    let none = [Bool](repeating: false, count: 44)
    let taken = steps.selection.taken(saliency, gone: none, part: 1, of: 1)
    let least = Int((24 * (1 - sparsity) * 0.75 - 1e-9).rounded(.up))
    #expect(taken[..<24].count(where: { !$0 }) == least)
    #expect(taken.count(where: { $0 }) == Int(44 * sparsity))
  }

  @Test("budgets of parameters and of MACs are held", arguments: [0.3, 0.6])
  func budgets(share: Double) throws {
    let model = try GraphText.model(SmallModels.residual)
    let dense = ModelStatistics(try ModelAnalysis(model))
    for target in [SparsityTarget.parameters(.fraction(share)), .macs(.fraction(share))] {
      let hesso = try HESSO(
        model, target: target, base: .sgd(learningRate: 0.05), totalSteps: 40, settings: settings())
      try train(hesso, shape: [8, 3, 6, 6], steps: 40)
      let small = ModelStatistics(try ModelAnalysis(try hesso.construct()))
      switch target {
      case .parameters: #expect(Double(small.parameters) <= share * Double(dense.parameters))
      default: #expect(Double(small.macs) <= share * Double(dense.macs))
      }
    }
  }

  @Test("units leave along a straight line, are exactly zero at the end of a period, and stay so")
  func line() throws {
    let model = try TrainableModel(
      try GraphText.model(SmallModels.perceptron), rule: SGD(), options: RuntimeOptions(workers: .one))
    let steps = try HESSOSteps(
      model.model, model.parameters, target: .groupSparsity(0.5), totalSteps: 12,
      settings: settings(start: 2, steps: 8, periods: 2))
    var norms: [Double] = []
    for step in 0..<12 {
      _ = try model.backward(Loss(.crossEntropy()), SmallModels.batch(step, shape: [16, 10]))
      // Without a learning rate nothing else changes them.
      try model.step(by: steps, rate: 0)
      let squares = UnitSums(steps.table, model.parameters).squares
      norms.append(squares.indices.reduce(0) { steps.leaving[$1] ? $0 + squares[$1] : $0 }.squareRoot())
      #expect(squares.indices.allSatisfy { !steps.gone[$0] || squares[$0] == 0 })
      let expected = [0, 0, 0, 0, 0, 11, 11, 11, 11, 22, 22, 22]
      #expect(steps.gone.count(where: { $0 }) == expected[step])
    }
    for start in [2, 6] {
      #expect(abs(norms[start + 1] / norms[start] - 2.0 / 3) < 1e-6)
      #expect(abs(norms[start + 2] / norms[start] - 1.0 / 3) < 1e-6)
    }
  }

  private var correcting: HESSOSettings {
    var settings = settings(start: 2, steps: 6)
    settings.correction = CorrectiveCycleSettings()
    settings.correction?.samplingSteps = 3
    settings.correction?.cycles = 3
    return settings
  }

  @Test("after a corrective cycle the smaller model equals the trained one too")
  func corrects() throws {
    let hesso = try HESSO(
      try GraphText.model(SmallModels.residual), target: .groupSparsity(0.5),
      base: .sgd(learningRate: 0.05), totalSteps: 60, settings: correcting)
    try train(hesso, shape: [8, 3, 6, 6], steps: 60)
    #expect(hesso.sparsity == 0.5)
    try expectEqual(try hesso.construct(), hesso.model.trainedModel(), shape: [8, 3, 6, 6])
  }

  @Test("a model is made smaller when the last unit is gone, not before")
  func constructsAtTheEnd() throws {
    let hesso = try HESSO(
      try GraphText.model(SmallModels.perceptron), target: .groupSparsity(0.5),
      base: .sgd(learningRate: 0.05), totalSteps: 40, settings: settings())
    try train(hesso, shape: [16, 10], steps: 23)
    #expect(throws: TrainingError.self) { try hesso.construct() }
    let correcting = try HESSO(
      try GraphText.model(SmallModels.perceptron), target: .groupSparsity(0.5),
      base: .sgd(learningRate: 0.05), totalSteps: 60, settings: correcting)
    // Channels would be gone by now but for the cycle.
    try train(correcting, shape: [16, 10], steps: 10)
    #expect(throws: TrainingError.self) { try correcting.construct() }
    try train(hesso, shape: [16, 10], steps: 1)
    #expect(try hesso.construct().elementCount < hesso.model.trainedModel().elementCount)
    #expect(hesso.norms.redundant == 0 && hesso.norms.important > 0)
  }

  @Test("what is gone has no part in the norm that gradients are clipped by")
  func clips() throws {
    let model = try TrainableModel(
      try GraphText.model(SmallModels.residual), rule: SGD(), options: RuntimeOptions(workers: .one))
    let steps = try HESSOSteps(
      model.model, model.parameters, target: .groupSparsity(0.5), totalSteps: 12,
      settings: settings(start: 0, steps: 4, periods: 1))
    for step in 0..<4 {
      _ = try model.backward(Loss(.crossEntropy()), SmallModels.batch(step, shape: [8, 3, 6, 6]))
      try model.step(by: steps, rate: 0.05)
    }
    let small = try TrainableModel(
      try steps.construct(model.trainedModel()), rule: SGD(), options: RuntimeOptions(workers: .one))
    let batch = SmallModels.batch(9, shape: [8, 3, 6, 6])
    _ = try model.backward(Loss(.crossEntropy()), batch)
    _ = try small.backward(Loss(.crossEntropy()), batch)
    let norms = (try model.step(by: steps, rate: 0.05, largestNorm: 1), try small.step(rate: 0.05, largestNorm: 1))
    let (whole, sliced) = (try #require(norms.0), try #require(norms.1))
    #expect(abs(whole - sliced) < 1e-5 * sliced)
  }

  private enum Moment {
    case trial, cycle, other
  }

  private func moment(_ steps: HESSOSteps) -> Moment {
    switch steps.cycle?.phase {
    case .trial(_, isTaken: true): .trial
    case .cycle: .cycle
    default: .other
    }
  }

  /// What is left of an optimizer's state.
  private func state(_ model: TrainableModel) -> [[Float]] {
    model.optimizer.savedState().map { $0.floats() ?? [] } + [[Float(model.optimizer.step)]]
  }

  /// Makes steps until a corrective cycle is over.
  /// - Parameter loss: what a step is told, instead of its own.
  private func cycle(
    _ rule: some UpdateRule = SGD(momentum: 0.9), rate: Double, tellingLoss loss: (Moment) -> Double?
  ) throws -> (before: [[Float]], after: [[Float]], trials: Int, cycled: Int, lossTerms: [Double], found: [Double]) {
    let model = try TrainableModel(
      try GraphText.model(SmallModels.perceptron), rule: rule, options: RuntimeOptions(workers: .one))
    let steps = try HESSOSteps(
      model.model, model.parameters, target: .groupSparsity(0.5), totalSteps: 60, settings: correcting)
    func values() -> [[Float]] {
      model.parameters.all.map { parameter in model.parameters.withValues(of: parameter) { Array($0) } } + state(model)
    }
    var (before, trials, cycled, lossTerms) = (values(), 0, 0, [Double]())
    while steps.cycle != nil {
      let moment = moment(steps)
      _ = try model.backward(
        Loss(.crossEntropy()), SmallModels.batch(steps.step, shape: [16, 10]), tries: steps.tries)
      try model.step(by: steps, rate: rate, loss: loss(moment))
      // The first step of a corrective cycle is one like any other.
      if steps.step == 3 { before = values() }
      trials += moment == .trial ? 1 : 0
      cycled += moment == .cycle ? 1 : 0
      lossTerms = steps.cycle?.lossTerms ?? lossTerms
    }
    return (before, values(), trials, cycled, lossTerms, steps.found)
  }

  @Test("a corrective cycle leaves weights and optimizer as they were, whatever its trials make of the loss")
  func recalls() throws {
    for loss in [nil, Double.infinity, .nan] {
      let found = try cycle(rate: 0.05) { $0 == .trial ? loss : nil }
      #expect(found.before == found.after)
      #expect(found.trials == 6 && found.cycled >= 3)
    }
    let found = try cycle(AdamW(), rate: 0.01) { _ in nil }
    #expect(found.before == found.after)
  }

  @Test("a cycle whose loss is no number ends, and what was seen before counts")
  func endsCycles() throws {
    // Nothing is seen, or the first step of the first cycle: the weights are those of the beginning then.
    let nothing = try cycle(rate: 0.05) { $0 == .cycle ? .nan : nil }
    var isFirst = true
    let first = try cycle(rate: 0.05) { moment in
      guard moment == .cycle else { return nil }
      defer { isFirst = false }
      return isFirst ? nil : .nan
    }
    for found in [nothing, first] {
      #expect(found.before == found.after && found.cycled >= 1)
      #expect(found.found.count == 44 && found.found.allSatisfy(\.isFinite))
    }
    #expect(first.cycled > nothing.cycled && first.found != nothing.found)
  }

  @Test("groups whose trials do not hurt have nothing added for them")
  func losses() throws {
    #expect(try cycle(rate: 0) { _ in 1 }.lossTerms == [0, 0])
    // By 2 for 6, 12 and 18 of the 24 units of the first group, and for 5, 10 and 15 of the 20 of the second.
    let terms = try cycle(rate: 0) { $0 == .trial ? 3 : 1 }.lossTerms
    for (term, count) in zip(terms, [24.0, 20]) {
      #expect(abs(term - 2 / count * (4 + 2 + 4.0 / 3) / 3) < 1e-9)
    }
  }

  // MARK: Refusals

  private func error(
    _ text: String, _ target: SparsityTarget, steps: Int = 40, _ settings: HESSOSettings
  ) throws -> String {
    let model = try GraphText.model(text)
    let error = #expect(throws: TrainingError.self) {
      try HESSO(model, target: target, base: .sgd(learningRate: 0.1), totalSteps: steps, settings: settings)
    }
    return error?.description ?? ""
  }

  @Test("what cannot be reached, does not fit or cannot be meant is refused before a step is made")
  func refuses() throws {
    let text = SmallModels.residual
    #expect(try error(text, .groupSparsity(1), settings()).contains("from 0 up to 1"))
    #expect(try error(text, .macs(.absolute(1)), settings()).contains("MACs are left at least"))
    #expect(try error(text, .parameters(.fraction(1.5)), settings()).contains("a share above 0 and at most 1"))
    #expect(try error(text, .groupSparsity(0.5), steps: 20, settings()).contains("does not fit into 20 steps"))
    #expect(try error(text, .groupSparsity(0.5), settings(periods: 0)).contains("must be from 1 to"))
    var half = settings()
    half.minimumKeepShare = 0.5
    #expect(try error(text, .groupSparsity(0.9), half).contains("cannot be reached"))
    #expect(try error(text, .groupSparsity(0.5), settings(roundTo: 16)).contains("cannot be reached"))
    let open = text.replacingOccurrences(of: "6, 6]", with: "H, W]")
    #expect(open != text)
    #expect(try error(open, .macs(.fraction(0.5)), settings()).contains("MACs depend on H, W"))
    let fixed = "x: float[N, 4]\ny = MatMul(x, w[4, 4])\nreturn y"
    #expect(try error(fixed, .groupSparsity(0.5), settings()).contains("nothing of the model can be trained away"))
  }
}

extension Model {
  fileprivate var elementCount: Int { graph.initializers.reduce(0) { $0 + $1.tensor.elementCount } }
}
