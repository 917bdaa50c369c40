import DataSources
import Files
import IR
import Runtime

extension Trainer {
  /// Writes all that is needed to go on to the bit: an `.npz` file that appears whole or not at all.
  /// - Throws: where it cannot be written there.
  public func writeCheckpoint(to path: String) throws(OutputError) {
    var tensors = [
      named(
        "identity",
        Tensor(dataType: .uint8, shape: [identity.utf8.count], storage: .bytes(ByteRegion(copying: identity.utf8)))),
      named("step", Tensor(int64s: [Int64(step)])), named("updates", Tensor(int64s: [Int64(optimizer.step)])),
    ]
    for (index, parameter) in parameters.all.enumerated() {
      let region = parameters.withValues(of: parameter) { ByteRegion(copying: UnsafeRawBufferPointer($0)) }
      tensors.append(
        named(
          "parameter\(index)", Tensor(dataType: .float, shape: parameter.shape, storage: .bytes(region))))
    }
    for (index, tensor) in optimizer.savedState().enumerated() { tensors.append(named("state\(index)", tensor)) }
    for (name, tensor) in shaper?.savedState() ?? [] { tensors.append(named("shaper-\(name)", tensor)) }
    try NumPyFile.writeArchive(tensors, to: path, overwrite: true)
  }

  private func named(_ name: String, _ tensor: Tensor) -> Tensor {
    var tensor = tensor
    tensor.name = name
    return tensor
  }

  /// Goes on where a checkpoint was written.
  /// - Throws: where it is of another model, other data or other settings, or stands beyond the last step.
  public func resume(from path: String) throws(TrainingError) {
    var tensors: [String: Tensor] = [:]
    do throws(DataError) {
      for tensor in try NumPyFile.readArchive(path) { tensors[tensor.name ?? ""] = tensor }
    } catch {
      throw TrainingError(.data, error.description)
    }
    guard let text = tensors["identity"]?.contiguousBytes(), let step = tensors["step"]?.integers()?.first else {
      throw TrainingError(.data, "\(path): is no checkpoint; give the file train wrote with --checkpoint")
    }
    guard text.withUnsafeBytes({ Array($0) }) == Array(identity.utf8) else {
      throw TrainingError(
        .settings,
        "\(path): is of a run with another model, other data or other settings; give the same or leave it out")
    }
    guard step <= totalSteps else {
      throw TrainingError(
        .data,
        "\(path): stands at step \(step), but the run ends after \(totalSteps); give a checkpoint of this run or leave "
          + "it out")
    }
    let values = parameters.all.indices.compactMap { tensors["parameter\($0)"] }
    let state = (0..<optimizer.savedCount).compactMap { tensors["state\($0)"] }
    let updates = tensors["updates"]?.integers()?.first ?? step
    guard step >= 0, updates >= 0, updates <= step, values.count == parameters.all.count,
      zip(values, parameters.all).allSatisfy({ $0.dataType == .float && $0.elementCount == $1.count }),
      optimizer.restore(state, step: updates), shaper?.restore(Self.shaperState(tensors)) ?? true
    else { throw TrainingError(.data, "\(path): does not fit the model") }
    self.step = step
    for (tensor, parameter) in zip(values, parameters.all) { take(tensor, parameter) }
  }

  private func take(_ tensor: Tensor, _ parameter: Parameter) {
    tensor.contiguousBytes()?.withUnsafeBytes { bytes in
      parameters.withValues(of: parameter) { UnsafeMutableRawBufferPointer($0).copyMemory(from: bytes) }
    }
  }

  private static func shaperState(_ tensors: [String: Tensor]) -> [String: Tensor] {
    let own = tensors.filter { $0.key.hasPrefix("shaper-") }
    return Dictionary(uniqueKeysWithValues: own.map { (String($0.key.dropFirst("shaper-".count)), $0.value) })
  }
}
