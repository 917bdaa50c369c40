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
    #expect(deviation.contains("std is positive"))
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
    #expect(throws: Never.self) { try DatasetCheck(classes: 2).run(prepared) }
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
    func text(_ tensors: [Tensor], _ check: DatasetCheck = .init(classes: 3)) throws -> String {
      let data = try data(tensors)
      return message { try check.run(data) }
    }
    #expect(
      try text([Tensor("x", floats: [1, 2, 3, .nan], [2, 2])])
        == "d.npz: array x: sample 1: holds NaN; remove or replace the sample")
    #expect(try text([Tensor("x", floats: [-.infinity, 1], [2])]).contains("sample 0: holds infinity"))
    #expect(try text([Tensor(name: "label", int64s: [0, 2, 3])]).contains("sample 2: label 3 is not from 0 to 2"))
    #expect(try text([Tensor(name: "label", int64s: [0, -1])], .init()).contains("label -1 is negative"))
    #expect(try text([Tensor(name: "label", int64s: [0, -100])], .init(classes: 3, ignoredLabel: -100)) == "no error")
  }

  @Test("arrays without samples, or with different numbers of them, are refused")
  func counts() throws {
    #expect(message { _ = try data([]) }.contains("holds no samples"))
    #expect(message { _ = try data([Tensor("x", floats: [], [0, 2])]) }.contains("holds no samples"))
    #expect(message { _ = try data([Tensor("x", floats: [1], [])]) }.contains("single number"))
    let text = message { _ = try data([Tensor("x", floats: [1, 2], [2]), Tensor(name: "label", int64s: [1])]) }
    #expect(text.contains("x has 2, label has 1"))
  }
}
