import Files
import IR

extension OutputFile {
  mutating func write(_ payload: Payload) throws(OutputError) {
    switch payload {
    case .region(let region): try write(region)
    case .view(let view):
      var gatherer = ViewGatherer(view)
      while !gatherer.isAtEnd { try write(gathering: { gatherer.fill($0) }) }
    }
  }
}
