import Coppice

/// The class a model finds likeliest for each of some pictures of 8 × 8 pixels.
func classify(_ pictures: [[Float]], by path: String) throws -> [Int] {
  let session = try Session(try Model(contentsOf: path))
  let input = Tensor(floats: pictures.flatMap(\.self), shape: [pictures.count, 8, 8])
  let outputs = try session.run(["image": input])

  let logits = outputs["logits"]?.floats() ?? []
  return pictures.indices.map { picture in
    let row = logits[(picture * 10)..<(picture * 10 + 10)]
    return row.indices.max { row[$0] < row[$1] }.map { $0 - row.startIndex } ?? 0
  }
}
