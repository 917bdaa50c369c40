import Dimensions
import Testing

@Suite("Dimension table")
struct DimensionTableTests {
  private func sizes(_ table: DimensionTable, _ dimension: DimensionID) -> [Int] {
    table.leaves(dimension).compactMap { table.size($0).known }
  }

  @Test("two factorisations of one size become the common one")
  func refinesProducts() {
    var table = DimensionTable()
    let heads = table.product([table.make(.known(12)), table.make(.known(64))])
    let halves = table.product([table.make(.known(6)), table.make(.known(128))])
    table.unify(heads, halves, node: 0)
    #expect(sizes(table, heads) == [6, 2, 64])
    #expect(sizes(table, halves) == [6, 2, 64])
    #expect(table.leaves(heads).allSatisfy { !table.isFixed($0) })
  }

  @Test("concatenations are cut at every cut of either")
  func refinesSums() {
    var table = DimensionTable()
    let left = table.sum([table.make(.known(10)), table.make(.known(20))])
    let right = table.sum([table.make(.known(25)), table.make(.known(5))])
    table.unify(left, right, node: 0)
    #expect(sizes(table, left) == [10, 15, 5])
  }

  @Test("a product distributes over a concatenation of whole blocks")
  func distributes() {
    var table = DimensionTable()
    let halves = table.sum([table.make(.known(58)), table.make(.known(58))])
    let shuffled = table.product([table.make(.known(2)), table.make(.known(58))])
    table.unify(halves, shuffled, node: 0)
    let leaves = table.leaves(halves)
    #expect(leaves.count == 2)
    #expect(leaves[0] == leaves[1])
    #expect(!table.isFixed(leaves[0]))
  }

  @Test("a concatenation cut across the blocks of a product is fixed")
  func fixesWhatDoesNotNest() {
    var table = DimensionTable()
    let parts = [table.make(.known(3)), table.make(.known(5))]
    let sum = table.sum(parts)
    let product = table.product([table.make(.known(2)), table.make(.known(4))])
    table.unify(sum, product, node: 7)
    #expect(parts.allSatisfy { table.isFixed($0) })
    #expect(table.cause(parts[0])?.node == 7)
  }

  @Test("fixing a term fixes its parts, now and after refinement")
  func fixingSpreads() {
    var table = DimensionTable()
    let axis = table.make(.known(24))
    table.fix(axis, Cause(node: nil, reason: "graph output"))
    let factors = [table.make(.known(4)), table.make(.known(6))]
    table.unify(axis, table.product(factors), node: 0)
    #expect(factors.allSatisfy { table.isFixed($0) })
  }

  @Test("kept indices of products and sums are row-major")
  func keptIndices() {
    var table = DimensionTable()
    let (outer, inner, rest) = (table.make(.known(2)), table.make(.known(3)), table.make(.known(2)))
    let axis = table.sum([table.product([outer, inner]), rest])
    var keep = KeepSets()
    keep[inner] = [0, 2]
    keep[rest] = [1]
    #expect(table.keptIndices(axis, keep) == [0, 2, 3, 5, 7])
    #expect(table.keptSize(axis, { keep[$0]?.count }) == .known(5))
    #expect(table.indexMap(of: inner, in: axis) == [0, 1, 2, 0, 1, 2, -1, -1])
  }

  @Test("a batch flattened into channels leaves the channels free")
  func symbolicFlattening() {
    var table = DimensionTable()
    var symbols = SymbolTable()
    let batch = symbols.size(of: .named("batch"))
    let channels = table.make(.known(144))
    let flat = table.product([table.make(batch), channels, table.make(.known(16))])
    let whole = table.make(table.size(flat))
    table.unify(whole, flat, node: 0)
    #expect(table.isFree(channels))
  }

  @Test("sizes known only at run time divide symbolically")
  func symbolicProducts() {
    var table = DimensionTable()
    var symbols = SymbolTable()
    let batch = symbols.size(of: .named("batch"))
    let (b, h) = (table.make(batch), table.make(.known(12)))
    let merged = table.product([b, h])
    let (b2, h2) = (table.make(batch), table.make(.known(12)))
    table.unify(merged, table.product([b2, h2]), node: 0)
    #expect(table.root(h) == table.root(h2))
    #expect(table.isFree(h))
    #expect(!table.isFree(b))
  }
}
