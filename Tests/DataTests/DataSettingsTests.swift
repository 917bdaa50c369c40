import IR
import Testing

@testable import DataSources

/// What options of the command line and keys of files say about data.
@Suite struct DataSettingsTests {
  private func specification(_ settings: [(String, [String])]) throws -> DataSpecification {
    var data = DataSpecification(path: "d")
    for (name, texts) in settings { #expect(try data.set(name, to: texts)) }
    return data
  }

  @Test("every setting finds its place")
  func places() throws {
    let data = try specification([
      ("file_format", ["cifar-10"]), ("labels", ["l.gz"]), ("label_column", ["-1"]), ("sample_shape", ["1x8x8"]),
      ("header", ["no"]), ("separator", [";"]),
      ("image_size", ["32x48"]), ("image_channels", ["1"]), ("sequence_length", ["64"]), ("sequence_stride", ["8"]),
      ("scale", ["1/255"]), ("mean", ["0.5,0.25,0.125"]), ("std", ["2"]), ("augment", ["flip,crop:4"]),
      ("layout", ["nhwc"]),
    ])
    #expect(data.format == .cifar10 && data.labels == "l.gz" && data.table.label == .at(-1))
    #expect(data.table.hasHeader == false && data.table.separator == ";")
    #expect(data.shape == [1, 8, 8] && data.imageSize == ImageSize(height: 32, width: 48) && data.channels == 1)
    #expect(data.sequenceLength == 64 && data.stride == 8 && data.layout == .nhwc)
    #expect(data.normalization == Normalization(scale: 1 / 255, mean: [0.5, 0.25, 0.125], deviation: [2]))
    #expect(data.augmentations == [.horizontalFlip, .shift(pixels: 4)])
    let names = DataSpecification.settings.map(\.name)
    #expect(names.count == 15 && Set(names).count == 15)
  }

  @Test("a list of a file means the same as a text with commas")
  func lists() throws {
    let list = try specification([
      ("mean", ["1", "2"]), ("augment", ["flip", "shift:2"]), ("sample_shape", ["1", "8"]),
    ])
    let text = try specification([("mean", ["1, 2"]), ("augment", ["flip,shift:2"]), ("sample_shape", ["1x8"])])
    #expect(list == text)
  }

  @Test(
    "what cannot be meant says what can",
    arguments: [
      ("mean", "half", "mean: 'half' is not a number"), ("scale", "1/0", "scale: '1/0' is not a number"),
      ("file_format", "parquet", "there are npz, npy"), ("sequence_length", "0", "not a positive whole number"),
      ("sample_shape", "3x-1", "'-1' is not a size"), ("image_size", "1x2x3", "a height and a width"),
      ("layout", "chwn", "there are nchw, nhwc"), ("labels", "", "takes one value"),
      ("augment", "flop", "there are flip"), ("header", "maybe", "there are auto, yes, no"),
      ("separator", "::", "not one character, nor tab"),
    ])
  func faults(name: String, text: String, expected: String) {
    var data = DataSpecification(path: "d")
    let found = message { _ = try data.set(name, to: [text]) }
    #expect(found.contains(expected), "\(found)")
    #expect(DataError.setting(name: "", reason: "").isUsageError)
  }

  @Test("a name that is no setting is not taken")
  func unknown() throws {
    var data = DataSpecification(path: "d")
    #expect(try !data.set("maen", to: ["1"]))
  }

  @Test("pictures stored as bytes are scaled unless a scale is said, numbers are not")
  func scales() throws {
    #expect(Normalization(mean: [0.5]).completed(forBytes: true).scale == Float(1) / 255)
    #expect(Normalization(scale: 2).completed(forBytes: true).scale == 2)
    #expect(Normalization(mean: [0.5]).completed(forBytes: false).scale == 1)
  }

  @Test("what is said for another format, or of what is no picture, is refused")
  func inVain() throws {
    let folder = try ScratchFolder()
    try NumPyFile.writeArchive([Tensor("x", floats: [1, 2], [1, 2])], to: folder.path + "/a.npz")
    func fault(_ name: String, _ text: String) throws -> String {
      var data = DataSpecification(path: folder.path + "/a.npz")
      try data.set(name, to: [text])
      return message { _ = try data.open() }
    }
    #expect(try fault("label_column", "0").contains("label column: is for csv"))
    #expect(try fault("sequence_stride", "4").contains("sequence stride: is for tokens"))
    #expect(try fault("separator", ";").contains("separator: is for csv"))
    #expect(try fault("header", "yes").contains("header: is for csv"))
    #expect(try fault("augment", "flip").contains("not pictures"))
    #expect(try fault("std", "-1").contains("/a.npz: -1.0 is not a positive number"))
    #expect(try fault("mean", "1") == "no error")
  }

  @Test("part of the data gives its samples and what the whole is checked by")
  func parts() throws {
    let tensor = Tensor("x", floats: [0, 1, 2, 3], [4])
    let whole = try ArrayDataset([StoredArray(field: "x", source: "x", tensor: tensor)], source: "x")
    let part = DatasetPart(whole, samples: [3, 1])
    #expect(part.count == 2 && part.fields == whole.fields && part.storedArrays.count == 1)
    #expect(try part.batch(indices: [1, 0])["x"]?.floats == [1, 3])
  }
}
