import Kernels
import Testing

@Suite("Quantized kernels")
struct QuantizedKernelTests {
  @Test("halves round to even, and what does not fit becomes the nearest integer that does")
  func rounding() {
    let x: [Float] = [-0.5, 0.5, 1.5, 2.5, -1.5, 300, -300, 126.4, .infinity, -.infinity]
    var y = [Int8](repeating: 0, count: x.count)
    x.withUnsafeBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        Quantize.quantize(x.baseAddress!, x.count, scale: 1, zero: 0, y.baseAddress!)
      }
    }
    #expect(y == [0, 0, 2, 2, -2, 127, -128, 126, 127, -128])
  }

  @Test("long sums of products of bytes are exact", arguments: [1, 255, 256, 257, 5000])
  func sums(inner: Int) throws {
    // The largest products, so that floats would lose the last digits of a sum.
    let (a, b) = ([Float](repeating: 255, count: inner), [Float](repeating: 253, count: inner))
    var sums = [Int32](repeating: 0, count: 1)
    var scratch: Float = 0
    let product = IntegerProduct(MatrixProduct(try BLAS.shared()))
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        sums.withUnsafeMutableBufferPointer { sums in
          product(
            rows: 1, columns: 1, inner: inner, MatrixProduct.Operand(a.baseAddress!, leading: inner),
            MatrixProduct.Operand(b.baseAddress!, leading: 1), sums: sums.baseAddress!, scratch: &scratch,
            workers: .one)
        }
      }
    }
    #expect(sums[0] == Int32(inner) * 255 * 253)
  }

  @Test("numbers of three bits span bytes")
  func fewBits() {
    // 0…7, three bits each, the lowest first.
    let packed: [UInt8] = [0b1000_1000, 0b1100_0110, 0b1111_1010]
    let found = packed.withUnsafeBufferPointer { packed in
      (0..<8).map { FewBits.number(packed.baseAddress!, $0, 3) }
    }
    #expect(found == [0, 1, 2, 3, 4, 5, 6, 7])
  }
}
