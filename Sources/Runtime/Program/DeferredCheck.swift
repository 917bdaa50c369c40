import Dimensions
import IR
import Operators

/// Finds before a model runs what cannot be run among the nodes whose kernels are made only then: those whose shapes
/// follow from the data, and those in bodies of control flow.
struct DeferredCheck {
  private let bound: BoundModel
  private let registry: OperatorRegistry
  private let precision: Precision
  /// One for all nodes: what a node changes in it is put back.
  private var shapes: ShapeContext

  init(_ bound: BoundModel, registry: OperatorRegistry, precision: Precision) {
    self.bound = bound
    self.registry = registry
    self.precision = precision
    shapes = ShapeContext(facts: bound.facts, symbols: SymbolTable())
  }

  /// Why a node cannot be run whatever the data are.
  /// - Parameter constants: the operands of values that are known already.
  /// - Returns: `nil` where nothing speaks against it.
  mutating func refusal(
    of node: Node, _ operation: any Operator, opset: Int64, constants: [ValueID: KernelContext.Operand]
  ) -> String? {
    if let reason = missing(node, operation, opset) { return reason }
    // What is the same for two guesses of the sizes that are open does not depend on them.
    guard let reason = refusal(of: node, operation, opset, sizes: 1, constants),
      reason == refusal(of: node, operation, opset, sizes: 2, constants)
    else { return nil }
    return reason
  }

  /// The nodes in the bodies of a node that cannot be run.
  func refusals(inBodiesOf node: Node) -> [(node: String, reason: String)] {
    var found: [(node: String, reason: String)] = []
    for body in node.subgraphs {
      for inner in body.nodes {
        let name = OperatorName(inner.opType, domain: inner.canonicalDomain)
        if bound.isFunction(name) {
          found.append((bound.label(inner), BoundModel.functionReason))
        } else if let operation = registry(name) {
          if !inner.subgraphs.isEmpty {
            found += refusals(inBodiesOf: inner)
          } else if let reason = missing(inner, operation, bound.opset(of: inner)) {
            found.append((bound.label(inner), reason))
          }
        } else {
          found.append((bound.label(inner), BoundModel.unknownReason))
        }
      }
    }
    return found
  }

  /// Says so where the operator has a rule for shapes and axes, but no kernel.
  private func missing(_ node: Node, _ operation: any Operator, _ opset: Int64) -> String? {
    let nothing = KernelContext(
      node: node, opset: opset, inputs: node.inputs.map { _ in nil }, outputs: node.outputs.map { _ in nil })
    let none = KernelError.notComputed(node)
    do throws(KernelError) { _ = try operation.makeKernel(nothing) } catch {
      if error == none, case .unsupported(let reason) = error { return reason }
    }
    return nil
  }

  /// Tries to make the kernel with a guess of the sizes that are open.
  private mutating func refusal(
    of node: Node, _ operation: any Operator, _ opset: Int64, sizes guess: Int,
    _ constants: [ValueID: KernelContext.Operand]
  ) -> String? {
    let values = (node.inputs + node.outputs).compactMap { $0 }
    defer { for value in values { shapes.facts[value.index] = bound.facts[value.index] } }
    shapes.node = node
    shapes.opset = opset
    for case let input? in node.inputs {
      guard let shape = shapes.facts[input.index].shape else { return nil }
      let sizes = shape.compactMap { $0.value(ofSymbols: guess) }
      guard sizes.count == shape.count, sizes.allSatisfy({ $0 >= 0 }) else { return nil }
      shapes.facts[input.index].shape = sizes.map { .known($0) }
    }
    for case let output? in node.outputs { shapes.facts[output.index] = .unknown }
    do throws(OperatorError) { try operation.inferShapes(&shapes) } catch { return nil }
    var context = KernelContext(node: node, opset: opset, inputs: [], outputs: [])
    for (values, path) in [(node.inputs, \KernelContext.inputs), (node.outputs, \KernelContext.outputs)] {
      for value in values {
        guard let value else {
          context[keyPath: path].append(nil)
          continue
        }
        if let known = constants[value] {
          context[keyPath: path].append(known)
          continue
        }
        let facts = shapes.facts[value.index]
        guard let type = facts.type, let shape = facts.shape?.compactMap(\.known), shape.count == facts.shape?.count
        else { return nil }
        let storage = precision.storage(type)
        // Operators multiply sizes as they come, which only those of a tensor that memory holds allow. Strings have no
        // size in memory; a byte for each bounds how many they are.
        guard RuntimeValue.byteCount(RuntimeValue.elementBytes(storage) == nil ? .uint8 : storage, shape) != nil else {
          return nil
        }
        context[keyPath: path].append(KernelContext.Operand(declaredType: type, type: storage, shape: shape))
      }
    }
    do throws(KernelError) { _ = try operation.checkedKernel(context) } catch {
      if case .unsupported(let reason) = error { return reason }
    }
    return nil
  }
}

extension Size {
  /// The size with the same number for every symbol; `nil` on overflow.
  fileprivate func value(ofSymbols number: Int) -> Int? {
    guard case .polynomial(let monomials) = self else { return known }
    var sum = Size.known(0)
    for monomial in monomials {
      let factors = [Size.known(monomial.coefficient)] + monomial.symbols.map { _ in Size.known(number) }
      guard let next = Size.product(factors).flatMap(sum.plus) else { return nil }
      sum = next
    }
    return sum.known
  }
}
