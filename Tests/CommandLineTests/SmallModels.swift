import IR
import ONNXFile
import TestSupport

/// The models and files the commands of the golden tests work on.
enum SmallModels {
  static let texts: [String: String] = [
    "chain.onnx": """
    image: float[batch, 3, 8, 8]
    c1 = Conv(image, w1[64, 3, 3, 3], b1[64]) { pads: [1, 1, 1, 1] }
    r1 = Relu(c1)
    c2 = Conv(r1, w2[32, 64, 3, 3], b2[32]) { pads: [1, 1, 1, 1] }
    r2 = Relu(c2)
    scores = Conv(r2, w3[4, 32, 1, 1])
    return scores
    """,
    "stuck.onnx": """
    image: float[1, 3, 8, 8]
    c1 = Conv(image, w1[16, 3, 1, 1])
    f = acme:Frobnicate(c1)
    scores = Conv(f, w2[4, 16, 1, 1])
    return scores
    """,
    "norm.onnx": """
    x: float[1, 10, 16]
    h = MatMul(x, up[16, 64])
    g = Relu(h)
    n = LayerNormalization(g, scale[64], shift[64]) { axis: -1 }
    y = MatMul(n, down[64, 16])
    return y
    """,
    "rows.onnx": """
    x: float[batch, 3]
    scores = MatMul(x, w[3, 2])
    return scores
    """,
    "pair.onnx": """
    x: float[2, 3]
    scores = MatMul(x, w[3, 2])
    return scores
    """,
    "wide.onnx": """
    x: float[batch, 3]
    scores = MatMul(x, w[3, 4])
    return scores
    """,
    "waste.onnx": """
    image: float[1, 3, 8, 8]
    c1 = Conv(image, w1[32, 3, 1, 1])
    copy = Identity(c1)
    dead = Conv(copy, w9[8, 32, 1, 1])
    r1 = Relu(copy)
    scores = Conv(r1, w2[4, 32, 1, 1])
    return scores
    """,
  ]

  static let files: [String: String] = [
    "broken.onnx": "this is no model",
    "rows.csv": "1,2,3,0\n4,5,6,1\n7,8,9,1\n",
    "stray.csv": "1,2,3,0\n4,5,6,2\n",
    "words.csv": "1,2,3,0\n4,five,6,1\n",
    "data.yaml": "coppice: 1\ndata: {path: rows.csv, label_column: -1, mean: 5, std: [3, 3, 3]}\n",
    "misspelt-data.yaml": "coppice: 1\ndata:\n  path: rows.csv\n  maen: 5\n",
    "wrong-data.yaml": "coppice: 1\ndata:\n  path: rows.csv\n  mean: half\n",
    "good.yaml": """
    coppice: 1
    model: {path: waste.onnx}
    prune: {ratio: 50%}
    pipeline:
      - fold-identity
      - eliminate-dead-code
      - prune
      - verify
    output: {model: out.onnx, plan: out.json}
    """,
    "misspelt.yaml": "coppice: 1\nmodel: chain.onnx\npipeline:\n  - prunne: {ratio: 0.5}\n",
    "unknown.yaml": "coppice: 1\nmodel: chain.onnx\nprune:\n  ratio: 0.5\n  rond_to: 8\n",
    "wrong-type.yaml": "coppice: 1\nmodel: chain.onnx\nprune:\n  ratio: yes\n",
    "twice.yaml": "coppice: 1\nmodel: chain.onnx\nprune:\n  ratio: 0.5\n  ratio: 0.6\n",
    "stuck.yaml": "coppice: 1\nmodel: stuck.onnx\nprune: {ratio: 0.5}\noutput: {model: out.onnx}\n",
  ]

  /// A model as it was built, its outputs declared, in a file.
  static func write(_ text: String, to path: String) throws {
    var model = try GraphText.model(text)
    model.producerName = "coppice-tests"
    for index in model.graph.outputs.indices where model.graph.outputs[index].type == nil {
      let tensor = TensorType(elementType: DataType.float.rawValue, shape: nil)
      model.graph.outputs[index].type = ValueType(tensor: tensor)
    }
    try ONNXWriter.write(model, to: path)
  }
}
