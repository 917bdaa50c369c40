import IR
import Testing

@testable import DataSources

@Suite struct CSVFileTests {
  private func read(_ text: String, _ options: CSVFile.Options = .init()) throws -> CSVFile.Table {
    let folder = try ScratchFolder()
    return try CSVFile.read(try folder.file("a.csv", text), options)
  }

  @Test("a header names the label's column")
  func header() throws {
    let table = try read("a,label,b\n1,2,3\r\n4,5,6")
    #expect(table.inputs.shape == [2, 2] && table.inputs.floats == [1, 3, 4, 6])
    #expect(table.labels?.int64s == [2, 5])
  }

  @Test("a place from the end is a column too")
  func fromEnd() throws {
    let table = try read("1,2,3.0\n4,5,6.0\n", .init(label: .at(-1)))
    #expect(table.inputs.floats == [1, 2, 4, 5] && table.labels?.int64s == [3, 6])
  }

  @Test("labels that are words are numbered in their order, fractions stay numbers")
  func labels() throws {
    let words = try read("1,dog\n2,cat\n3,dog\n", .init(label: .at(1)))
    #expect(words.labels?.int64s == [1, 0, 1] && words.classNames == ["cat", "dog"])
    #expect(try read("1,0.5\n2,1\n", .init(label: .at(1))).labels?.floats == [0.5, 1])
  }

  @Test("quoted cells hold commas, quotes and line ends")
  func quoted() throws {
    let table = try read("\"x, y\",label\n\"1\",\"say \"\"hi\"\"\"\n2,\"two\nlines\"\n")
    #expect(table.inputs.floats == [1, 2] && table.classNames == ["say \"hi\"", "two\nlines"])
  }

  @Test(
    "what is wrong is named by line and column",
    arguments: [
      ("a,b\n1,2\n3,x\n", "3:3: 'x' is not a number"), ("a,b\n1,2\n\n3\n", "4:1: the line has 1 columns"),
      ("1,\"2\n", "1:3: a quote is not closed"), ("1,\"2\"3\n", "1:6: text goes on"),
      ("1,\n", "1:3: '' is not a number"),
      ("a,b\n", "holds no samples"),
    ])
  func faults(text: String, expected: String) throws {
    let found = message { _ = try read(text) }
    #expect(found.contains(expected))
  }

  @Test("a column that is not there is a setting that is wrong")
  func missingColumn() throws {
    #expect(message { _ = try read("a,b\n1,2\n", .init(label: .named("c"))) }.contains("no column c; it has a, b"))
    #expect(message { _ = try read("1,2\n", .init(label: .at(2))) }.contains("has 2 columns"))
    #expect(message { _ = try read("1,2\n", .init(label: .named("c"))) }.contains("no header"))
  }

  @Test("whether there is a header may be said, and what divides columns")
  func settings() throws {
    let folder = try ScratchFolder()
    func read(_ text: String, _ settings: [(String, String)]) throws -> [Float] {
      var specification = DataSpecification(path: try folder.file("a.csv", text))
      for (name, text) in settings { try specification.set(name, to: [text]) }
      let data = try specification.open()
      return try data.batch(indices: Array(0..<data.count))["input"]?.floats ?? []
    }
    #expect(try read("1,2\n3,4\n", [("header", "yes")]) == [3, 4])
    #expect(try read("1,2\n3,4\n", [("header", "auto")]) == [1, 2, 3, 4])
    #expect(message { _ = try read("a,b\n3,4\n", [("header", "no")]) }.contains("1:1: 'a' is not a number"))
    #expect(try read("1;2\n", [("separator", ";")]) == [1, 2])
    #expect(try read("1\t2\n", [("separator", "tab")]) == [1, 2])
    #expect(message { _ = try read("1\n", [("separator", "\"")]) }.contains("cannot divide columns"))
    #expect(message { _ = try read("1\n", [("separator", "é")]) }.contains("cannot divide columns"))
  }

  @Test("samples may be given a shape")
  func reshaped() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.csv.gz", gzip(Array("1,2,3,4,0\n5,6,7,8,1\n".utf8)))
    var specification = DataSpecification(path: path, table: .init(label: .at(4)), shape: [1, 2, 2])
    let data = try specification.open()
    #expect(try data.batch(indices: [1])["input"]?.shape == [1, 1, 2, 2])
    specification.shape = [5]
    #expect(message { _ = try specification.open() }.contains("has not the 4 numbers"))
  }
}
