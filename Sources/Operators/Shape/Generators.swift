import Dimensions
import IR

/// Operators that make numbers from a shape: random ones, windows, unit matrices, sampling grids.
enum Generators {
  static let all: [any Operator] = [
    FixingOperator("RandomNormal", "RandomUniform", reason: "draws random numbers") { context in
      let shape = context.node.ints("shape")?.map { Size.known(Int($0)) }
      context.setOutput(type: context.type(attribute: "dtype") ?? .float, shape: shape)
    },
    FixingOperator("RandomNormalLike", "RandomUniformLike", "Bernoulli", reason: "draws random numbers") { context in
      context.setOutput(type: context.type(attribute: "dtype") ?? context.type(0), shape: context.shape(0))
    },
    FixingOperator("Multinomial", reason: "draws random numbers") { context in
      let samples = context.node.int("sample_size", default: 1)
      let shape = context.shape(0).map { [$0.first ?? .known(1), .known(Int(samples))] }
      context.setOutput(type: context.type(attribute: "dtype") ?? .int32, shape: shape)
    },
    FixingOperator("EyeLike", reason: "depends on positions") { context in
      context.setOutput(type: context.type(attribute: "dtype") ?? context.type(0), shape: context.shape(0))
    },
    FixingOperator("HannWindow", "HammingWindow", "BlackmanWindow", reason: "makes a window") { context in
      let size = context.contents(0)?.first?.size
      let type = context.type(attribute: "output_datatype") ?? .float
      context.setOutput(type: type, shape: [size ?? context.freshSize(axis: 0)])
    },
    FixingOperator("MelWeightMatrix", reason: "makes a filter bank") { context in
      let bins = context.contents(0)?.first?.size ?? context.freshSize(axis: 1)
      let length = context.contents(1)?.first?.size?.known
      let rows = length.map { Size.known($0 / 2 + 1) } ?? context.freshSize(axis: 0)
      context.setOutput(type: context.type(attribute: "output_datatype") ?? .float, shape: [rows, bins])
    },
    FixingOperator("AffineGrid", reason: "makes a sampling grid") { context in
      guard let size = context.shape(heldBy: 1), size.count > 2 else {
        return context.setOutput(type: context.type(0), shape: nil)
      }
      context.setOutput(type: context.type(0), shape: [size[0]] + size[2...] + [.known(size.count - 2)])
    },
  ]
}
