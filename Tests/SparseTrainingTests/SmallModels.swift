import IR
import TestSupport
import Training

@testable import SparseTraining

/// Small models with their data, to be trained sparse.
enum SmallModels {
  /// Two convolutions with a residual around the second, each normalized, and a classifier.
  static let residual = """
    x: float[N, 3, 6, 6]
    a = Conv(x, w1[16, 3, 3, 3], b1[16]) { pads: [1, 1, 1, 1] }
    n = BatchNormalization(a, g1[16]+, s1[16], m1[16], v1[16]+)
    r = Relu(n)
    c = Conv(r, w2[16, 16, 3, 3]) { pads: [1, 1, 1, 1] }
    m = BatchNormalization(c, g2[16]+, s2[16], m2[16], v2[16]+)
    t = Add(m, r)
    u = Relu(t)
    d = Conv(u, w3[12, 16, 3, 3], b3[12]) { strides: [2, 2] }
    e = Relu(d)
    p = GlobalAveragePool(e)
    f = Flatten(p)
    y = Gemm(f, w4[4, 12], b4[4]) { transB: 1 }
    return y
    """

  /// A perceptron whose middle has a weight by whose last axis units lie.
  static let perceptron = """
    x: float[N, 10]
    h = MatMul(x, w1[10, 24])
    i = Add(h, b1[24])
    r = Relu(i)
    k = Gemm(r, w2[20, 24], b2[20]) { transB: 1 }
    l = Relu(k)
    y = MatMul(l, w3[20, 4])
    return y
    """

  /// Zero becomes a half on the way to the columns that read it.
  static let sigmoid = """
    x: float[N, 10]
    h = Gemm(x, w1[10, 24], b1[24])
    s = Sigmoid(h)
    y = MatMul(s, w2[24, 4])
    return y
    """

  /// The same by a number that is added.
  static let shifted = """
    x: float[N, 3, 6, 6]
    a = Conv(x, w1[8, 3, 3, 3], b1[8])
    s = Add(a, c[1])
    r = Relu(s)
    p = GlobalAveragePool(r)
    f = Flatten(p)
    y = Gemm(f, w2[4, 8], b2[4]) { transB: 1 }
    return y
    """

  /// A batch of numbers around zero and classes, by the number of the batch.
  static func batch(_ number: Int, shape: [Int], classes: Int = 4) -> [String: Tensor] {
    var state = UInt64(number &+ 1) &* 0x9e37_79b9_7f4a_7c15
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let numbers = (0..<shape.reduce(1, *)).map { _ in Float(next() % 2001) / 1000 - 1 }
    let labels = (0..<shape[0]).map { _ in Int64(next()) % Int64(classes) }
    return ["x": Tensor(floats: numbers, shape: shape), Loss.labelField: Tensor(int64s: labels)]
  }
}
