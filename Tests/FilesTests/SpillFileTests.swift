import Glibc
import IR
import Testing

@testable import Files

@Suite("Bytes that are kept in a file")
struct SpillFileTests {
  private func bytes(_ count: Int, from first: UInt8) -> [UInt8] { (0..<count).map { first &+ UInt8($0 % 251) } }

  private func contents(_ region: ByteRegion) -> [UInt8] { region.withUnsafeBytes { Array($0) } }

  @Test("what is stored is read again, whatever its size, while the file itself is held by nobody else")
  func reading() throws {
    let sizes = [0, 1, 4095, 4096, 4097, 1_000_003]
    var regions: [ByteRegion] = []
    do {
      let file = try SpillFile()
      for (index, size) in sizes.enumerated() {
        regions.append(try file.store(ByteRegion(copying: bytes(size, from: UInt8(index)))))
      }
    }
    for (index, size) in sizes.enumerated() { #expect(contents(regions[index]) == bytes(size, from: UInt8(index))) }
    regions.remove(at: 3)
    #expect(contents(regions[4]) == bytes(1_000_003, from: 5))
  }

  @Test("nothing of it is to be seen in its folder")
  func noName() throws {
    var name = Array("/tmp/coppice-test-XXXXXX".utf8CString)
    let made = try #require(mkdtemp(&name))
    let folder = String(cString: made)
    let file = try SpillFile(in: folder)
    let region = try file.store(ByteRegion(copying: bytes(9, from: 0)))
    // Only an empty folder can be removed.
    #expect(rmdir(folder) == 0)
    #expect(contents(region) == bytes(9, from: 0))
  }

  @Test("a folder that is not there is named")
  func noFolder() {
    #expect(
      throws: OutputError.cannotWrite(path: "/nowhere/at/all", reason: "No such file or directory")
    ) { try SpillFile(in: "/nowhere/at/all") }
  }
}
