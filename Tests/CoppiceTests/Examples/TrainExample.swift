import Coppice

/// Trains a classifier on files of data, in a loop of its own, and writes what did best on the validation samples.
/// - Returns: the share of those samples it gets right.
func train(_ path: String, on training: String, validation: String, epochs: Int, to output: String) throws -> Double {
  let model = try Model(contentsOf: path)
  let inputs = ExpectedInput.all(of: model)
  let data = try DataSpecification(path: training).open().prepared(for: inputs)
  let unseen = try DataSpecification(path: validation).open().prepared(for: inputs)
  let loader = try DataLoader(data, batchSize: 16, isShuffled: true, dropsLast: true, seed: 1)

  let student = try TrainableModel(model, rule: SGD(momentum: 0.9, weightDecay: 1e-4))
  let schedule = Schedule(.cosine, warmUpSteps: 10)
  var best = (top1: 0.0, model: model)
  for epoch in 0..<epochs {
    let batches = loader.batches(from: DataPosition(epoch: epoch), untilEpoch: epoch + 1)
    while let batch = try batches.next() {
      let loss = try student.backward(.crossEntropy, batch.tensors)
      student.step(rate: 0.05 * schedule.factor(step: student.steps, of: epochs * loader.batchesPerEpoch))
      if student.steps % 100 == 0 { print("step \(student.steps): loss \(loss)") }
    }
    let trained = student.trainedModel()
    let top1 = try Evaluation(.crossEntropy)(trained, on: unseen).top1 ?? 0
    if top1 > best.top1 { best = (top1, trained) }
  }
  try best.model.write(to: output)
  return best.top1
}
