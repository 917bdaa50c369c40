import Glibc
import IR

/// A file mapped for reading. The map lives as long as anybody holds a region of it.
package struct MappedFile: Sendable {
  package let path: String
  package let identity: FileIdentity
  package let owner: ByteOwner

  package init(path: String) throws(InputError) {
    func failure(_ reason: String) -> InputError { InputError(path: path, reason: reason) }
    self.path = path
    // A pipe nobody writes to must not be waited for.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw failure(systemMessage(errno)) }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw failure(systemMessage(errno)) }
    guard information.st_mode & S_IFMT == S_IFREG else { throw failure("it is not a file") }
    let count = Int(information.st_size)
    guard count > 0 else { throw failure("it is empty") }
    guard let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), memory != MAP_FAILED else {
      throw failure(systemMessage(errno))
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

/// Why a file cannot be read.
package struct InputError: Error {
  package let path: String
  package let reason: String
}
