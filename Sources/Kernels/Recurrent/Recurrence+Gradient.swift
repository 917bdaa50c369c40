extension Recurrence {
  /// Gradients towards the inputs, where they are asked for; those of the weights add up within the call.
  public struct Gradients<T: Real> {
    public var x: UnsafeMutablePointer<T>?
    public var w: UnsafeMutablePointer<T>?
    public var r: UnsafeMutablePointer<T>?
    public var bias: UnsafeMutablePointer<T>?
    public var hidden: UnsafeMutablePointer<T>?
    public var cell: UnsafeMutablePointer<T>?
    public var peepholes: UnsafeMutablePointer<T>?

    public init() {}
  }

  /// Runs forward once more, keeping what the way back needs, then back through time.
  /// - Parameter arriving: Gradients of the outputs; they are only read.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ operands: Operands<T>, arriving: Results<T>, _ gradients: Gradients<T>, _ layout: Layout,
    _ product: MatrixProduct, scratch: UnsafeMutablePointer<T>, workers: Workers
  ) {
    for direction in layout.directions.indices {
      let pass = RecurrentPass(
        layout: layout, direction: direction, operands: operands, product: product, workers: workers,
        memory: RecurrentMemory(layout, scratch, isBackward: true))
      pass.run(Results(y: nil, hidden: nil, cell: nil))
      pass.followBack(arriving, gradients)
    }
  }
}

extension RecurrentPass {
  func followBack(_ arriving: Recurrence.Results<T>, _ gradients: Recurrence.Gradients<T>) {
    guard let record = memory.record else { return }
    gradients.peepholes.map { ($0 + direction * 3 * size).update(repeating: 0, count: 3 * size) }
    blankEnded(record)
    loadArriving(arriving.hidden, memory.hiddenGradient)
    loadArriving(arriving.cell, memory.cellGradient)
    for time in (0..<layout.steps).reversed() {
      addOutputGradient(time, arriving.y)
      switch layout.cell {
      case .plain: plainBack(time)
      case .lstm: lstmBack(time, record, gradients)
      case .gru(let resetsProduct): gruBack(time, record, resetsProduct: resetsProduct)
      }
    }
    storeState(memory.hiddenGradient, gradients.hidden)
    storeState(memory.cellGradient, gradients.cell)
    finish(record, gradients)
  }

  /// Rows behind the end of a sample take part in the products over all rows: as zeros.
  private func blankEnded(_ record: RecurrentMemory<T>.Record) {
    guard operands.lengths != nil else { return }
    for sample in 0..<layout.batch {
      for place in length(sample)..<layout.steps {
        let row = layout.inputRow(place, sample)
        (memory.gates + row * width).update(repeating: 0, count: width)
        for state in [record.hiddenBefore, record.cellBefore, record.cellAfter, record.candidate] {
          (state + row * size).update(repeating: 0, count: size)
        }
      }
    }
  }

  private func loadArriving(_ state: UnsafeMutablePointer<T>?, _ target: UnsafeMutablePointer<T>) {
    guard let state else { return target.update(repeating: 0, count: layout.batch * size) }
    for sample in 0..<layout.batch {
      (target + sample * size).update(from: state + layout.stateRow(direction, sample) * size, count: size)
    }
  }

  private func addOutputGradient(_ time: Int, _ y: UnsafeMutablePointer<T>?) {
    guard let y else { return }
    for sample in 0..<layout.batch {
      guard let place = place(time, sample) else { continue }
      let source = y + layout.outputRow(place, direction, sample) * size
      let target = memory.hiddenGradient + sample * size
      for index in 0..<size { target[index] += source[index] }
    }
  }

  /// Calls `body` for each sample that takes this step, with its row of the input and its gates' gradients, to be
  /// filled in; those of the others become zero.
  @inline(__always)
  private func forEachActive(
    _ time: Int, _ body: (_ sample: Int, _ row: Int, _ gradient: UnsafeMutablePointer<T>) -> Void
  ) {
    for sample in 0..<layout.batch {
      let gradient = memory.step + sample * width
      guard let place = place(time, sample) else {
        gradient.update(repeating: 0, count: width)
        continue
      }
      body(sample, layout.inputRow(place, sample), gradient)
    }
  }

  /// target ← gradients of some gates · their recurrent weights.
  private func multiplyBack(gates: Range<Int>, _ target: UnsafeMutablePointer<T>) {
    product(
      rows: layout.batch, columns: size, inner: gates.count * size,
      MatrixProduct.Operand(UnsafePointer(memory.step + gates.lowerBound * size), leading: width),
      MatrixProduct.Operand(r + gates.lowerBound * size * size, leading: size), target, leading: size,
      workers: workers)
  }

  // MARK: Cells

  private func plainBack(_ time: Int) {
    let activation = activations[0]
    forEachActive(time) { sample, row, gradient in
      gradient.update(from: memory.hiddenGradient + sample * size, count: size)
      activation.multiply(gradient, byDerivativeAt: memory.gates + row * width, size)
      (memory.gates + row * width).update(from: gradient, count: size)
    }
    multiplyBack(gates: 0..<1, memory.product)
    for sample in 0..<layout.batch where place(time, sample) != nil {
      (memory.hiddenGradient + sample * size).update(from: memory.product + sample * size, count: size)
    }
  }

  private func lstmBack(
    _ time: Int, _ record: RecurrentMemory<T>.Record, _ gradients: Recurrence.Gradients<T>
  ) {
    let activations = activations
    forEachActive(time) { sample, row, gradient in
      lstmRowBack(
        gates: memory.gates + row * width, gradient: gradient, before: record.cellBefore + row * size,
        after: record.cellAfter + row * size, hidden: memory.hiddenGradient + sample * size,
        cell: memory.cellGradient + sample * size, activations)
      if let peepholes = gradients.peepholes {
        addPeepholes(
          peepholes + direction * 3 * size, gradient, record.cellBefore + row * size,
          record.cellAfter + row * size)
      }
      (memory.gates + row * width).update(from: gradient, count: width)
    }
    multiplyBack(gates: 0..<4, memory.product)
    for sample in 0..<layout.batch where place(time, sample) != nil {
      (memory.hiddenGradient + sample * size).update(from: memory.product + sample * size, count: size)
    }
  }

  private func lstmRowBack(
    gates: UnsafePointer<T>, gradient: UnsafeMutablePointer<T>, before: UnsafePointer<T>, after: UnsafePointer<T>,
    hidden: UnsafePointer<T>, cell: UnsafeMutablePointer<T>, _ activations: [GateActivation]
  ) {
    let (input, output, forget, candidate) = (gates, gates + size, gates + 2 * size, gates + 3 * size)
    let (activated, leaving) = (memory.activated, memory.candidate)
    activated.update(from: after, count: size)
    activations[2].apply(activated, size)
    let outputGradient = gradient + size
    for index in 0..<size {
      outputGradient[index] = hidden[index] * activated[index]
      leaving[index] = hidden[index] * output[index]
    }
    activations[0].multiply(outputGradient, byDerivativeAt: output, size)
    activations[2].multiply(leaving, byDerivativeAt: activated, size)
    for index in 0..<size { cell[index] += leaving[index] }
    if let peepholes {
      for index in 0..<size { cell[index] += outputGradient[index] * peepholes[size + index] }
    }
    let couples = layout.couplesInputAndForget
    for index in 0..<size {
      gradient[index] = cell[index] * (couples ? candidate[index] - before[index] : candidate[index])
      gradient[2 * size + index] = couples ? 0 : cell[index] * before[index]
      gradient[3 * size + index] = cell[index] * input[index]
      cell[index] *= forget[index]
    }
    activations[0].multiply(gradient, byDerivativeAt: input, size)
    if !couples { activations[0].multiply(gradient + 2 * size, byDerivativeAt: forget, size) }
    activations[1].multiply(gradient + 3 * size, byDerivativeAt: candidate, size)
    guard let peepholes else { return }
    for index in 0..<size {
      cell[index] += gradient[index] * peepholes[index] + gradient[2 * size + index] * peepholes[2 * size + index]
    }
  }

  private func addPeepholes(
    _ total: UnsafeMutablePointer<T>, _ gradient: UnsafePointer<T>, _ before: UnsafePointer<T>,
    _ after: UnsafePointer<T>
  ) {
    for index in 0..<size {
      total[index] += gradient[index] * before[index]
      total[size + index] += gradient[size + index] * after[index]
      total[2 * size + index] += gradient[2 * size + index] * before[index]
    }
  }

  private func gruBack(_ time: Int, _ record: RecurrentMemory<T>.Record, resetsProduct: Bool) {
    let activations = activations
    forEachActive(time) { sample, row, gradient in
      let (update, next) = (memory.gates + row * width, memory.gates + row * width + 2 * size)
      let (state, arriving) = (record.hiddenBefore + row * size, memory.hiddenGradient + sample * size)
      for index in 0..<size {
        gradient[index] = arriving[index] * (state[index] - next[index])
        gradient[2 * size + index] = arriving[index] * (1 - update[index])
      }
      activations[0].multiply(gradient, byDerivativeAt: update, size)
      activations[1].multiply(gradient + 2 * size, byDerivativeAt: next, size)
    }
    if !resetsProduct { multiplyBack(gates: 2..<3, memory.candidateGradient) }
    forEachActive(time) { sample, row, gradient in
      let gates = memory.gates + row * width
      let (reset, products) = (gates + size, record.candidate + row * size)
      let (state, through) = (record.hiddenBefore + row * size, memory.candidateGradient + sample * size)
      for index in 0..<size {
        gradient[size + index] =
          resetsProduct ? gradient[2 * size + index] * products[index] : through[index] * state[index]
      }
      activations[0].multiply(gradient + size, byDerivativeAt: reset, size)
      let arriving = memory.hiddenGradient + sample * size
      for index in 0..<size {
        arriving[index] = arriving[index] * gates[index] + (resetsProduct ? 0 : through[index] * reset[index])
      }
      keepGRUGradient(gates, gradient, products, resetsProduct)
    }
    multiplyBack(gates: 0..<(resetsProduct ? 3 : 2), memory.product)
    for sample in 0..<layout.batch where place(time, sample) != nil {
      for index in (sample * size)..<((sample + 1) * size) {
        memory.hiddenGradient[index] += memory.product[index]
      }
    }
  }

  /// Puts the gates' gradients in place of the gates. Where the reset gate is applied to a product, the gradient of
  /// that product takes its place in the record, and that of the hidden gate in the step.
  private func keepGRUGradient(
    _ gates: UnsafeMutablePointer<T>, _ gradient: UnsafeMutablePointer<T>, _ products: UnsafeMutablePointer<T>,
    _ resetsProduct: Bool
  ) {
    let reset = gates + size
    if resetsProduct {
      for index in 0..<size { products[index] = gradient[2 * size + index] * reset[index] }
    }
    gates.update(from: gradient, count: width)
    if resetsProduct { (gradient + 2 * size).update(from: products, count: size) }
  }

  // MARK: Products over the whole sequence

  private func finish(_ record: RecurrentMemory<T>.Record, _ gradients: Recurrence.Gradients<T>) {
    let (rows, inputs) = (layout.rows, layout.inputs)
    if let x = gradients.x {
      product(
        rows: rows, columns: inputs, inner: width,
        MatrixProduct.Operand(UnsafePointer(memory.gates), leading: width),
        MatrixProduct.Operand(w, leading: inputs), beta: direction == 0 ? 0 : 1, x, leading: inputs,
        workers: workers)
    }
    if let w = gradients.w {
      product(
        rows: width, columns: inputs, inner: rows, transposedGates(0),
        MatrixProduct.Operand(operands.x, leading: inputs), w + direction * width * inputs, leading: inputs,
        workers: workers)
    }
    if let r = gradients.r { recurrentWeights(record, r + direction * width * size) }
    if let bias = gradients.bias { biases(record, bias + direction * 2 * width) }
  }

  private func transposedGates(_ gate: Int) -> MatrixProduct.Operand<T> {
    MatrixProduct.Operand(UnsafePointer(memory.gates + gate * size), leading: width, isTransposed: true)
  }

  private func recurrentWeights(_ record: RecurrentMemory<T>.Record, _ target: UnsafeMutablePointer<T>) {
    let states = MatrixProduct.Operand(UnsafePointer(record.hiddenBefore), leading: size)
    let candidates = UnsafePointer(record.candidate)
    guard case .gru(let resetsProduct) = layout.cell else {
      return product(
        rows: width, columns: size, inner: layout.rows, transposedGates(0), states, target, leading: size,
        workers: workers)
    }
    product(
      rows: 2 * size, columns: size, inner: layout.rows, transposedGates(0), states, target, leading: size,
      workers: workers)
    let gradient =
      resetsProduct ? MatrixProduct.Operand(candidates, leading: size, isTransposed: true) : transposedGates(2)
    product(
      rows: size, columns: size, inner: layout.rows, gradient,
      resetsProduct ? states : MatrixProduct.Operand(candidates, leading: size), target + 2 * size * size,
      leading: size, workers: workers)
  }

  /// Input biases first, then recurrent ones, which get the same but where the reset gate lies between.
  private func biases(_ record: RecurrentMemory<T>.Record, _ target: UnsafeMutablePointer<T>) {
    target.update(repeating: 0, count: width)
    for row in 0..<layout.rows {
      let gradient = memory.gates + row * width
      for column in 0..<width { target[column] += gradient[column] }
    }
    (target + width).update(from: target, count: width)
    guard layout.cell == .gru(resetsProduct: true) else { return }
    let products = target + width + 2 * size
    products.update(repeating: 0, count: size)
    for row in 0..<layout.rows {
      for column in 0..<size { products[column] += record.candidate[row * size + column] }
    }
  }
}
