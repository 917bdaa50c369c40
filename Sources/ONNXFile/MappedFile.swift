import Files
import Glibc
import IR

/// A file mapped for reading. The map lives as long as anybody holds a region of it.
struct MappedFile {
  let path: String
  let identity: FileIdentity
  let owner: ByteOwner

  init(path: String) throws(ONNXFileError) {
    self.path = path
    // A pipe nobody writes to must not be waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw .cannotOpen(path: path, reason: systemMessage(errno)) }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw .cannotOpen(path: path, reason: systemMessage(errno)) }
    guard information.st_mode & S_IFMT == S_IFREG else { throw .cannotOpen(path: path, reason: "it is not a file") }
    let count = Int(information.st_size)
    guard count > 0 else { throw .cannotOpen(path: path, reason: "it is empty") }
    guard let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
      throw .cannotOpen(path: path, reason: systemMessage(errno))
    }
    identity = FileIdentity(information)
    let bytes = UnsafeRawBufferPointer(start: memory, count: count)
    MapGuard.add(bytes, path: path)
    owner = ByteOwner(bytes) { bytes in
      MapGuard.remove(bytes)
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
  }
}
