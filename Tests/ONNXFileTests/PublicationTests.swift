import Files
import Testing

@testable import ONNXFile

private func unfinished(_ bytes: [UInt8], at place: OutputPlace) throws -> OutputFile {
  var file = try OutputFile(at: place)
  try file.write(bytes)
  try file.finish(durable: false)
  return file
}

@Suite struct PublicationTests {
  @Test("data goes again when the model cannot appear")
  func newData() throws {
    let scratch = Scratch()
    let place = try OutputPlace(scratch.file("out.data"), overwrite: true, protecting: [])
    #expect(throws: OutputError.self) {
      try Publication.publish(data: try unfinished([1, 2], at: place), at: place) { () throws(OutputError) in
        throw .cannotWrite(path: "out", reason: "no")
      }
    }
    #expect(scratch.names == [])
  }

  @Test("replaced data comes back when the model cannot appear")
  func oldData() throws {
    let scratch = Scratch()
    try scratch.write([7], to: "out.data")
    let place = try OutputPlace(scratch.file("out.data"), overwrite: true, protecting: [])
    #expect(throws: OutputError.self) {
      try Publication.publish(data: try unfinished([1, 2], at: place), at: place) { () throws(OutputError) in
        #expect((try? scratch.bytes(of: "out.data")) == [1, 2])
        throw .cannotWrite(path: "out", reason: "no")
      }
    }
    #expect(scratch.names == ["out.data"])
    #expect(try scratch.bytes(of: "out.data") == [7])
  }

  @Test("replaced data leaves no trace when the model appears")
  func published() throws {
    let scratch = Scratch()
    try scratch.write([7], to: "out.data")
    let place = try OutputPlace(scratch.file("out.data"), overwrite: true, protecting: [])
    try Publication.publish(data: try unfinished([1, 2], at: place), at: place) { () throws(OutputError) in }
    #expect(scratch.names == ["out.data"])
    #expect(try scratch.bytes(of: "out.data") == [1, 2])
  }
}
