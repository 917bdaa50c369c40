import Glibc

/// The system's words for `errno`.
package func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }

/// The path of a file without links in it; `nil` where there is no such file.
package func resolvedPath(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}
