import Coppice

/// Trains a classifier while half of its channels go, and writes the smaller one.
/// - Returns: the share of channels that are gone.
func trainSparse(_ path: String, on training: String, epochs: Int, to output: String) throws -> Double {
  let model = try Model(contentsOf: path)
  let data = try DataSpecification(path: training).open().prepared(for: ExpectedInput.all(of: model))
  let loader = try DataLoader(data, batchSize: 16, isShuffled: true, dropsLast: true, seed: 1)

  let optimizer = try HESSO(
    model, target: .groupSparsity(0.5), base: .sgd(learningRate: 0.05, momentum: 0.9),
    totalSteps: epochs * loader.batchesPerEpoch)
  let batches = loader.batches(from: DataPosition(epoch: 0), untilEpoch: epochs)
  while let batch = try batches.next() {
    _ = try optimizer.backward(.crossEntropy, batch.tensors)
    try optimizer.step()
  }
  try optimizer.construct().write(to: output)
  return optimizer.sparsity
}
