import COpenBLAS
import Glibc

/// OpenBLAS, loaded when something first computes with it.
///
/// Loading it starts a pool of threads that spin while they wait, which takes longer than pruning a hundred megabytes.
/// Most runs never need it; those that do tell it to start none, whatever the environment says: threads are the
/// callers' to divide, and a pool of its own under each of them would fight them for the processors.
public struct BLAS: Sendable {
  /// Single-precision C ← α·op(A)·op(B) + β·C.
  public typealias MatrixProduct =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, Int32, Int32, Int32, Float, UnsafePointer<Float>?, Int32,
      UnsafePointer<Float>?, Int32, Float, UnsafeMutablePointer<Float>?, Int32
    ) -> Void

  /// Double-precision C ← α·op(A)·op(B) + β·C.
  public typealias DoubleMatrixProduct =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, Int32, Int32, Int32, Double, UnsafePointer<Double>?, Int32,
      UnsafePointer<Double>?, Int32, Double, UnsafeMutablePointer<Double>?, Int32
    ) -> Void

  /// Single-precision y ← α·op(A)·x + β·y.
  public typealias MatrixVectorProduct =
    @convention(c) (
      CBLAS_ORDER, CBLAS_TRANSPOSE, Int32, Int32, Float, UnsafePointer<Float>?, Int32, UnsafePointer<Float>?, Int32,
      Float, UnsafeMutablePointer<Float>?, Int32
    ) -> Void

  /// X ← α·op(A)⁻¹·X or α·X·op(A)⁻¹, where A is triangular.
  public typealias TriangularSolve =
    @convention(c) (
      CBLAS_ORDER, CBLAS_SIDE, CBLAS_UPLO, CBLAS_TRANSPOSE, CBLAS_DIAG, Int32, Int32, Float, UnsafePointer<Float>?,
      Int32, UnsafeMutablePointer<Float>?, Int32
    ) -> Void

  /// Double-precision X ← α·op(A)⁻¹·X or α·X·op(A)⁻¹, where A is triangular.
  public typealias DoubleTriangularSolve =
    @convention(c) (
      CBLAS_ORDER, CBLAS_SIDE, CBLAS_UPLO, CBLAS_TRANSPOSE, CBLAS_DIAG, Int32, Int32, Double, UnsafePointer<Double>?,
      Int32, UnsafeMutablePointer<Double>?, Int32
    ) -> Void

  /// Double-precision C ← α·A·B + β·C or α·B·A + β·C, where A is symmetric.
  public typealias DoubleSymmetricProduct =
    @convention(c) (
      CBLAS_ORDER, CBLAS_SIDE, CBLAS_UPLO, Int32, Int32, Double, UnsafePointer<Double>?, Int32, UnsafePointer<Double>?,
      Int32, Double, UnsafeMutablePointer<Double>?, Int32
    ) -> Void

  public typealias Square =
    @convention(c) (
      CBLAS_ORDER, CBLAS_UPLO, CBLAS_TRANSPOSE, Int32, Int32, Float, UnsafePointer<Float>?, Int32, Float,
      UnsafeMutablePointer<Float>?, Int32
    ) -> Void

  public typealias DoubleSquare =
    @convention(c) (
      CBLAS_ORDER, CBLAS_UPLO, CBLAS_TRANSPOSE, Int32, Int32, Double, UnsafePointer<Double>?, Int32, Double,
      UnsafeMutablePointer<Double>?, Int32
    ) -> Void

  /// LAPACK's `trtri`, by Fortran's rules: the triangle, whether its diagonal is ones, the size, the matrix in columns,
  /// their stride, and whether it went well.
  public typealias TriangularInverse =
    @convention(c) (
      UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Float>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?
    ) -> Void

  /// In double precision.
  public typealias DoubleTriangularInverse =
    @convention(c) (
      UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?,
      UnsafePointer<Int32>?, UnsafeMutablePointer<Int32>?
    ) -> Void

  /// LAPACK's `potrf`, by the same rules.
  public typealias DoubleFactorization =
    @convention(c) (
      UnsafePointer<CChar>?, UnsafePointer<Int32>?, UnsafeMutablePointer<Double>?, UnsafePointer<Int32>?,
      UnsafeMutablePointer<Int32>?
    ) -> Void

  public let sgemm: MatrixProduct
  public let sgemv: MatrixVectorProduct
  public let dgemm: DoubleMatrixProduct
  public let dsymm: DoubleSymmetricProduct
  public let dtrsm: DoubleTriangularSolve
  public let dpotrf: DoubleFactorization
  public let ssyrk: Square
  public let dsyrk: DoubleSquare
  public let strsm: TriangularSolve
  public let strtri: TriangularInverse
  public let dtrtri: DoubleTriangularInverse

  /// The library, or why there is none.
  public static func shared() throws(BLASError) -> BLAS { try loaded.get() }

  private static let loaded = Result { () throws(BLASError) in try BLAS() }

  private init() throws(BLASError) {
    setenv("OPENBLAS_NUM_THREADS", "1", 1)
    if let kernels = Self.kernels { setenv("OPENBLAS_CORETYPE", kernels, 0) }
    guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) else {
      throw BLASError(reason: String(cString: dlerror()))
    }
    guard let single = dlsym(library, "cblas_sgemm"), let double = dlsym(library, "cblas_dgemm"),
      let vector = dlsym(library, "cblas_sgemv"), let solve = dlsym(library, "cblas_dtrsm"),
      let symmetric = dlsym(library, "cblas_dsymm"),
      let factor = dlsym(library, "dpotrf_"), let inverse = dlsym(library, "dtrtri_"),
      let square = dlsym(library, "cblas_dsyrk"), let singleSquare = dlsym(library, "cblas_ssyrk"),
      let singleSolve = dlsym(library, "cblas_strsm"), let singleInverse = dlsym(library, "strtri_")
    else {
      throw BLASError(
        reason:
          "it has no sgemm, dgemm, sgemv, strsm, dtrsm, dsymm, ssyrk, dsyrk, dpotrf, strtri or dtrtri"
      )
    }
    dsymm = unsafeBitCast(symmetric, to: DoubleSymmetricProduct.self)
    dtrsm = unsafeBitCast(solve, to: DoubleTriangularSolve.self)
    dpotrf = unsafeBitCast(factor, to: DoubleFactorization.self)
    strsm = unsafeBitCast(singleSolve, to: TriangularSolve.self)
    strtri = unsafeBitCast(singleInverse, to: TriangularInverse.self)
    dtrtri = unsafeBitCast(inverse, to: DoubleTriangularInverse.self)
    ssyrk = unsafeBitCast(singleSquare, to: Square.self)
    dsyrk = unsafeBitCast(square, to: DoubleSquare.self)
    sgemv = unsafeBitCast(vector, to: MatrixVectorProduct.self)
    sgemm = unsafeBitCast(single, to: MatrixProduct.self)
    dgemm = unsafeBitCast(double, to: DoubleMatrixProduct.self)
  }

  /// The kernels OpenBLAS should use where it would choose others.
  private static var kernels: String? {
    guard let file = fopen("/proc/cpuinfo", "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    return kernels(for: String(decoding: bytes[..<count], as: UTF8.self))
  }

  /// OpenBLAS takes processors that are newer than it is for some without wide vectors, and is then three times as slow.
  ///
  /// AMD's family 25 computes with 512 bits in two halves, as those of family 26 for laptops do: kernels for 256 bits
  /// are 3 to 5 % faster there.
  /// - Parameter description: of the processor, as Linux gives it.
  static func kernels(for description: String) -> String? {
    let fields = description.split(separator: "\n").map { $0.split(separator: ":", maxSplits: 1).map(Self.trimmed) }
    func value(_ key: String) -> String? { fields.first { $0.first == key && $0.count == 2 }?[1] }
    func number(_ key: String) -> Int? { value(key).flatMap { Int($0) } }
    let flags = Set(value("flags")?.split(separator: " ").map(String.init) ?? [])
    let widest =
      flags.isSuperset(of: ["avx512f", "avx512dq", "avx512bw", "avx512vl"])
      ? "SkylakeX" : flags.isSuperset(of: ["avx2", "fma"]) ? "Haswell" : nil
    switch (value("vendor_id"), number("cpu family")) {
    case ("GenuineIntel", .some(6...)): return widest
    // Older ones are known to it.
    case ("AuthenticAMD", 25): return widest == "SkylakeX" ? "Haswell" : nil
    case ("AuthenticAMD", 26):
      let halves = number("model").map { [0x20, 0x60].contains($0 & 0xf0) } ?? true
      return halves && widest != nil ? "Haswell" : widest
    case ("AuthenticAMD", .some(27...)): return widest
    default: return nil
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

/// OpenBLAS cannot be loaded.
public struct BLASError: Error, Sendable, CustomStringConvertible {
  public let reason: String

  public var description: String { "OpenBLAS is needed and cannot be loaded: \(reason); install libopenblas0" }
}
