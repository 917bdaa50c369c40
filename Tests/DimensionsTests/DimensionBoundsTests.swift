import Testing

@testable import Dimensions

@Suite struct DimensionBoundsTests {
  @Test("a tensor concatenated to itself again and again stays cheap, and is fixed")
  func doubling() {
    var table = DimensionTable()
    let channels = table.make(.known(8))
    var whole = channels
    for _ in 0..<60 { whole = table.sum([whole, whole]) }
    #expect(table.isFixed(channels))
    #expect(table.leaves(whole).count <= 1 << 14)
  }

  @Test("an axis of more indices than 32 bits count is fixed")
  func large() {
    var table = DimensionTable()
    let channels = table.make(.known(8))
    let whole = table.product([channels, table.make(.known(1 << 40))])
    #expect(table.isFixed(channels) && table.size(whole) == .known(1 << 43))
    #expect(table.keptIndices(whole, KeepSets()) == nil)
  }
}
