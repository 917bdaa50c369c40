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
  public let dtrtri: DoubleTriangularInverse

  /// The library, or why there is none.
  public static func shared() throws(BLASError) -> BLAS { try loaded.get() }

  private static let loaded = Result { () throws(BLASError) in try BLAS() }

  private init() throws(BLASError) {
    setenv("OPENBLAS_NUM_THREADS", "1", 1)
    if Self.halvesWideVectors { setenv("OPENBLAS_CORETYPE", "Haswell", 0) }
    guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) else {
      throw BLASError(reason: String(cString: dlerror()))
    }
    guard let single = dlsym(library, "cblas_sgemm"), let double = dlsym(library, "cblas_dgemm"),
      let vector = dlsym(library, "cblas_sgemv"), let solve = dlsym(library, "cblas_dtrsm"),
      let symmetric = dlsym(library, "cblas_dsymm"),
      let factor = dlsym(library, "dpotrf_"), let inverse = dlsym(library, "dtrtri_"),
      let square = dlsym(library, "cblas_dsyrk"), let singleSquare = dlsym(library, "cblas_ssyrk")
    else {
      throw BLASError(
        reason:
          "it has no cblas_sgemm, cblas_dgemm, cblas_sgemv, cblas_dtrsm, cblas_dsymm, cblas_ssyrk, cblas_dsyrk, dpotrf or dtrtri"
      )
    }
    dsymm = unsafeBitCast(symmetric, to: DoubleSymmetricProduct.self)
    dtrsm = unsafeBitCast(solve, to: DoubleTriangularSolve.self)
    dpotrf = unsafeBitCast(factor, to: DoubleFactorization.self)
    dtrtri = unsafeBitCast(inverse, to: DoubleTriangularInverse.self)
    ssyrk = unsafeBitCast(singleSquare, to: Square.self)
    dsyrk = unsafeBitCast(square, to: DoubleSquare.self)
    sgemv = unsafeBitCast(vector, to: MatrixVectorProduct.self)
    sgemm = unsafeBitCast(single, to: MatrixProduct.self)
    dgemm = unsafeBitCast(double, to: DoubleMatrixProduct.self)
  }

  /// Whether the processor computes with 512 bits in two halves, as AMD's family 25 does: OpenBLAS's kernels for 256
  /// bits are 3 to 5 % faster there than those it chooses.
  private static var halvesWideVectors: Bool {
    guard let file = fopen("/proc/cpuinfo", "r") else { return false }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = fread(&bytes, 1, bytes.count, file)
    let text = String(decoding: bytes[..<count], as: UTF8.self)
    let fields = text.split(separator: "\n").map { $0.split(separator: ":", maxSplits: 1).map(Self.trimmed) }
    func value(_ key: String) -> String? { fields.first { $0.first == key && $0.count == 2 }?[1] }
    return value("vendor_id") == "AuthenticAMD" && value("cpu family") == "25"
      && value("flags")?.contains("avx512f") ?? false
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
