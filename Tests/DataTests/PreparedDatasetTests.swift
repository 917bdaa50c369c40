import IR
import Testing

@testable import DataSources

@Suite struct PreparedDatasetTests {
  private func data(_ tensors: [Tensor]) throws -> ArrayDataset {
    try ArrayDataset(
      tensors.map { StoredArray(field: $0.name ?? "", source: "d.npz: array \($0.name ?? "")", tensor: $0) },
      source: "d.npz")
  }

  private func specification(_ tensor: Tensor, _ change: (inout DataSpecification) -> Void) throws -> any Dataset {
    let folder = try ScratchFolder()
    try NumPyFile.writeArchive([tensor], to: folder.path + "/a.npz")
    var specification = DataSpecification(path: folder.path + "/a.npz")
    change(&specification)
    return try specification.open()
  }

  @Test("channels are normalised by their own numbers")
  func normalization() throws {
    let picture = Tensor("x", bytes: [10, 20, 30, 40], .uint8, [1, 2, 1, 2])
    let data = try specification(picture) {
      $0.normalization = Normalization(scale: 0.1, mean: [1, 2], deviation: [1, 2])
    }
    #expect(try data.batch(indices: [0])["x"]?.floats == [0, 1, 0.5, 1])
  }

  @Test("the axes are put in the order the network takes")
  func layout() throws {
    let data = try specification(Tensor("x", floats: [1, 2, 3, 4], [1, 2, 1, 2])) { $0.layout = .nhwc }
    let tensor = try data.batch(indices: [0])["x"]
    #expect(tensor?.shape == [1, 1, 2, 2] && tensor?.floats == [1, 3, 2, 4])
  }

  @Test("what is drawn depends on seed, epoch and sample alone")
  func counterBased() throws {
    let values = (0..<(8 * 16)).map { Float($0 + 1) }
    let data = try specification(Tensor("x", floats: values, [8, 1, 4, 4])) {
      $0.augmentations = [.horizontalFlip, .shift(pixels: 2)]
    }
    let whole = try data.batch(indices: Array(0..<8), epoch: 3)["x"]?.floats ?? []
    let single = try data.batch(indices: [5], epoch: 3)["x"]?.floats ?? []
    #expect(Array(whole[80..<96]) == single)
    #expect(try data.batch(indices: Array(0..<8), epoch: 4)["x"]?.floats != whole)
    #expect(try data.withoutAugmentation.batch(indices: Array(0..<8), epoch: 3)["x"]?.floats == values)
  }

  @Test("flips exchange left and right in some pictures")
  func flips() throws {
    let data = try specification(Tensor("x", floats: [1, 2], [1, 1, 1, 2])) { $0.augmentations = [.horizontalFlip] }
    let seen = try Set((0..<50).map { try data.batch(indices: [0], epoch: $0)["x"]?.floats ?? [] })
    #expect(seen == [[1, 2], [2, 1]])
  }

  @Test("shifts bring zeros in, or the mirrored picture")
  func shifts() throws {
    let picture = Tensor("x", floats: [1, 2, 3], [1, 1, 1, 3])
    let zeros = try specification(picture) { $0.augmentations = [.shift(pixels: 1)] }
    let seen = try Set((0..<200).map { try zeros.batch(indices: [0], epoch: $0)["x"]?.floats ?? [] })
    #expect(seen == [[1, 2, 3], [2, 3, 0], [0, 1, 2], [0, 0, 0]])
    let square = Tensor("x", floats: [1, 2, 3, 1, 2, 3], [1, 1, 2, 3])
    let mirrored = try specification(square) { $0.augmentations = [.reflectedShift(pixels: 1)] }
    let rows = try Set((0..<200).map { try mirrored.batch(indices: [0], epoch: $0)["x"]?.floats.prefix(3) ?? [] })
    #expect(rows == [[1, 2, 3], [2, 3, 2], [2, 1, 2]])
  }

  @Test(
    "augmentations have names",
    arguments: [
      ("flip", Augmentation.horizontalFlip), ("crop:4", .shift(pixels: 4)), ("reflect:2", .reflectedShift(pixels: 2)),
    ])
  func names(text: String, expected: Augmentation) throws {
    #expect(try Augmentation(text) == expected)
  }

  @Test("a name that is none says which there are", arguments: ["flop", "shift", "shift:x", "flip:2", "shift:-1", ""])
  func wrongNames(text: String) { #expect(message { _ = try Augmentation(text) }.contains("there are flip")) }

  @Test("settings that do not fit are refused")
  func settings() throws {
    let picture = Tensor("x", floats: [1, 2, 3, 4], [1, 2, 1, 2])
    let means = message { _ = try specification(picture) { $0.normalization = Normalization(mean: [1, 2, 3]) } }
    #expect(means.contains("3 numbers for 2 channels"))
    let deviation = message { _ = try specification(picture) { $0.normalization = Normalization(deviation: [0]) } }
    #expect(deviation.contains("std: ") && deviation.contains("0.0 is not a positive number"))
    let tiny = message { _ = try specification(picture) { $0.normalization = Normalization(deviation: [1e-44]) } }
    #expect(tiny.contains("must be finite"))
    let reflection = message { _ = try specification(picture) { $0.augmentations = [.reflectedShift(pixels: 1)] } }
    #expect(reflection.contains("more than pictures of 1 × 2 have"))
  }

  @Test("a model's inputs are filled by name and converted")
  func inputs() throws {
    let data = try data([
      Tensor("x", bytes: [1, 2], .uint8, [2, 1]), Tensor("y", floats: [3, 4], [2]),
      Tensor("label", bytes: [0, 1], .int8, [2]),
    ])
    let prepared = try data.prepared(for: [
      ExpectedInput(name: "x", dataType: .float, shape: [.symbol("N"), .known(1)]),
      ExpectedInput(name: "y", dataType: .double, shape: [.unknown]),
    ])
    let batch = try prepared.batch(indices: [1])
    #expect(batch["x"]?.floats == [2] && batch["y"]?.elements(Double.self) == [4] && batch["label"]?.int64s == [1])
  }

  @Test("what a model cannot take is named with both sides")
  func mismatches() throws {
    let data = try data([Tensor("x", floats: [1, 2, 3, 4], [2, 2])])
    func text(_ input: ExpectedInput) -> String { message { _ = try data.prepared(for: [input]) } }
    #expect(
      text(ExpectedInput(name: "x", dataType: .float, shape: [.symbol("N"), .known(3)]))
        == "d.npz: array x: samples have shape [2], input x takes [3]; reshape the data")
    #expect(
      text(ExpectedInput(name: "x", dataType: .float, shape: [.unknown, .unknown, .known(1)])).contains("[?, 1]"))
    #expect(text(ExpectedInput(name: "x", dataType: .int64, shape: nil)).contains("elements are float"))
    #expect(text(ExpectedInput(name: "z", dataType: nil, shape: nil)).contains("nothing for input z; there is x"))
  }

  @Test("arrays no input takes are left out, the label stays")
  func unused() throws {
    let data = try data([
      Tensor("x", floats: [1], [1]), Tensor("z", floats: [.nan], [1]), Tensor("label", bytes: [1], .int8, [1]),
    ])
    let prepared = try data.prepared(for: [ExpectedInput(name: "x", dataType: .float, shape: nil)])
    #expect(try prepared.batch(indices: [0]).keys.sorted() == ["label", "x"])
    #expect(throws: Never.self) { try DatasetCheck(labels: .classes(2)).run(prepared) }
  }

  @Test("half-precision numbers are normalised too")
  func halves() throws {
    let halves = [Float16(1), 3].withUnsafeBytes { ByteRegion(copying: $0) }
    let tensor = Tensor(name: "x", dataType: .float16, shape: [1, 2], storage: .bytes(halves))
    let data = try specification(tensor) { $0.normalization = Normalization(mean: [1], deviation: [2]) }
    #expect(try data.batch(indices: [0])["x"]?.floats == [0, 1])
  }

  @Test("data without names fits a model's only input")
  func nameless() throws {
    let data = try data([Tensor("input", floats: [1], [1, 1])])
    let prepared = try data.prepared(for: [ExpectedInput(name: "pixels", dataType: .float, shape: nil)])
    #expect(prepared.fields.map(\.name) == ["pixels"])
  }

  @Test("NaN, infinity and labels that are no class are found with their sample")
  func faults() throws {
    func text(_ tensors: [Tensor], _ check: DatasetCheck = .init(labels: .classes(3))) throws -> String {
      let data = try data(tensors)
      return message { try check.run(data) }
    }
    #expect(
      try text([Tensor("x", floats: [1, 2, 3, .nan], [2, 2])])
        == "d.npz: array x: sample 1: holds NaN; remove or replace the sample")
    #expect(try text([Tensor("x", floats: [-.infinity, 1], [2])]).contains("sample 0: holds infinity"))
    #expect(try text([Tensor(name: "label", int64s: [0, 2, 3])]).contains("sample 2: label 3 is not from 0 to 2"))
    #expect(try text([Tensor(name: "label", int64s: [0, -1])], .init()).contains("label -1 is negative"))
    let ignoring = DatasetCheck(labels: .classes(3, ignored: -100))
    #expect(try text([Tensor(name: "label", int64s: [0, -100])], ignoring) == "no error")
  }

  @Test("labels that all stand for none leave nothing to learn from, unless a teacher is learnt from")
  func allIgnored() throws {
    let data = try data([Tensor(name: "label", int64s: [-100, -100])])
    var check = DatasetCheck(labels: .classes(3, ignored: -100))
    #expect(message { try check.run(data) }.contains("nothing to learn from"))
    check.needsLabels = false
    #expect(message { try check.run(data) } == "no error")
  }

  @Test("targets of binary cross-entropy are from 0 to 1, others may be anything")
  func probabilities() throws {
    let floats = try data([Tensor("label", floats: [0, 1, 0.5, 1.5], [2, 2])])
    let text = message { try DatasetCheck(labels: .probabilities).run(floats) }
    #expect(text.contains("sample 1") && text.contains("target 1.5 is not from 0 to 1"))
    #expect(message { try DatasetCheck(labels: .numbers).run(floats) } == "no error")
    let masks = try data([Tensor("label", bytes: [0, 1, 255], .uint8, [3])])
    #expect(message { try DatasetCheck(labels: .probabilities).run(masks) }.contains("sample 2"))
  }

  @Test("numbers that are lost where they are converted are found before")
  func lostNumbers() throws {
    func text(_ tensor: Tensor, to type: DataType) throws -> String {
      let prepared = try data([tensor]).prepared(for: [ExpectedInput(name: "x", dataType: type, shape: nil)])
      return message { try DatasetCheck().run(prepared) }
    }
    let doubles = [1, 1e300].withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in ByteRegion(copying: bytes) }
    let large = Tensor(name: "x", dataType: .double, shape: [2], storage: .bytes(doubles))
    #expect(try text(large, to: .float).contains("sample 1: holds 1e+300, infinite in single precision"))
    #expect(try text(large, to: .double) == "no error")
    let ids = Tensor(name: "x", int64s: [5, 3_000_000_000])
    #expect(try text(ids, to: .int32).contains("sample 1: cannot be used: 3000000000 is no int32"))
    #expect(try text(ids, to: .int64) == "no error")
    #expect(try text(Tensor(name: "x", int64s: [-1]), to: .uint8).contains("-1 is no uint8"))
  }

  @Test("targets of double precision that single precision does not hold are found")
  func lostTargets() throws {
    let doubles = [1e300].withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in ByteRegion(copying: bytes) }
    let target = Tensor(name: "label", dataType: .double, shape: [1], storage: .bytes(doubles))
    let data = try specification(target) { _ in }
    #expect(message { try DatasetCheck(labels: .numbers).run(data) }.contains("infinite in single precision"))
  }

  @Test("a digest tells other samples, other preparation and other parts apart, not other places")
  func digests() throws {
    let picture = Tensor("x", floats: [1, 2, 3, 4], [2, 1, 1, 2])
    let plain = try specification(picture) { _ in }
    let again = try specification(picture) { _ in }
    #expect(try plain.digest() == again.digest())
    let others: [any Dataset] = [
      try specification(Tensor("x", floats: [1, 2, 3, 5], [2, 1, 1, 2])) { _ in },
      try specification(picture) { $0.normalization = Normalization(mean: [1]) },
      try specification(picture) { $0.augmentations = [.horizontalFlip] },
      DatasetPart(plain, samples: [0]), DatasetPart(plain, samples: [1]),
    ]
    let digests = try ([plain] + others).map { try $0.digest() }
    #expect(Set(digests).count == digests.count)
  }

  @Test("arrays without samples, or with different numbers of them, are refused")
  func counts() throws {
    #expect(message { _ = try data([]) }.contains("holds no samples"))
    #expect(message { _ = try data([Tensor("x", floats: [], [0, 2])]) }.contains("holds no samples"))
    #expect(message { _ = try data([Tensor("x", floats: [], [2, 0])]) }.contains("holds no samples"))
    #expect(message { _ = try data([Tensor("x", floats: [1], [])]) }.contains("single number"))
    let text = message { _ = try data([Tensor("x", floats: [1, 2], [2]), Tensor(name: "label", int64s: [1])]) }
    #expect(text.contains("x has 2, label has 1"))
  }
}
