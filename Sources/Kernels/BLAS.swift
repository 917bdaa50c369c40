import COpenBLAS
import Glibc

/// OpenBLAS, loaded when something first computes with it.
///
/// Loading it starts a pool of threads that spin while they wait, which takes longer than pruning a hundred megabytes.
/// Most runs never need it; those that do tell it to start none, unless the
/// environment says otherwise: threads are the callers' to divide.
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

  public let sgemm: MatrixProduct
  public let dgemm: DoubleMatrixProduct

  /// The library, or why there is none.
  public static func shared() throws(BLASError) -> BLAS { try loaded.get() }

  private static let loaded = Result { () throws(BLASError) in try BLAS() }

  private init() throws(BLASError) {
    setenv("OPENBLAS_NUM_THREADS", "1", 0)
    guard let library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) else {
      throw BLASError(reason: String(cString: dlerror()))
    }
    guard let single = dlsym(library, "cblas_sgemm"), let double = dlsym(library, "cblas_dgemm") else {
      throw BLASError(reason: "it has no cblas_sgemm or cblas_dgemm")
    }
    sgemm = unsafeBitCast(single, to: MatrixProduct.self)
    dgemm = unsafeBitCast(double, to: DoubleMatrixProduct.self)
  }
}

/// OpenBLAS cannot be loaded.
public struct BLASError: Error, Sendable, CustomStringConvertible {
  public let reason: String

  public var description: String { "OpenBLAS is needed and cannot be loaded: \(reason); install libopenblas0" }
}
