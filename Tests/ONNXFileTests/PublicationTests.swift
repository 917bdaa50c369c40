import Foundation
import IR
import Testing

@testable import ONNXFile

private func unfinished(_ bytes: [UInt8], at path: String) throws -> OutputFile {
  var file = try OutputFile(path: path)
  try bytes.withUnsafeBytes { try file.write($0) }
  try file.finish(durable: false)
  return file
}

@Suite struct PublicationTests {
  @Test("data goes again when the model cannot appear")
  func newData() throws {
    let scratch = Scratch()
    let place = try OutputPlace(scratch.file("out.data"), overwrite: true, protecting: [])
    #expect(throws: ONNXFileError.self) {
      try Publication.publish(data: try unfinished([1, 2], at: place.path), at: place) { () throws(ONNXFileError) in
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
    #expect(throws: ONNXFileError.self) {
      try Publication.publish(data: try unfinished([1, 2], at: place.path), at: place) { () throws(ONNXFileError) in
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
    try Publication.publish(data: try unfinished([1, 2], at: place.path), at: place) { () throws(ONNXFileError) in }
    #expect(scratch.names == ["out.data"])
    #expect(try scratch.bytes(of: "out.data") == [1, 2])
  }

  @Test("an output that is not finished leaves no file")
  func unpublished() throws {
    let scratch = Scratch()
    do {
      let file = try unfinished([1, 2], at: scratch.file("out"))
      #expect(scratch.names.count == 1)
      _ = file.byteCount
    }
    #expect(scratch.names == [])
  }
}
