import Glibc

/// What is said to people, on standard error: data goes to standard output.
enum Talk {
  static func say(_ text: String) {
    var line = text + "\n"
    line.withUTF8 { bytes in _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}
