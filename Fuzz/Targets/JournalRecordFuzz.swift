// modules: CofferCore CofferCrypto CofferModel CofferDiskFormat
import CofferCrypto
import CofferDiskFormat

/// Any bytes as a slot of a journal, and any bytes with a right beginning and a right checksum. What is read is written back the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    check(input)
    let magic = Array("COFFERRJ".utf8) + [0, 0, 0, 1]
    var head = magic + input.prefix(96 - magic.count)
    let rest = input.dropFirst(96 - magic.count)
    head += [UInt8](repeating: 0, count: JournalRecord.headByteCount - head.count)
    // As many sectors as the bits promise, filled from the input.
    let promised = (64..<96).reduce(0) { $0 + head[$1].nonzeroBitCount }
    var data = Array(rest.prefix(4096))
    data += [UInt8](repeating: 1, count: promised * 4096 - min(data.count, promised * 4096))
    var whole = head + data.prefix(promised * 4096)
    whole.replaceSubrange(4064..<4096, with: DigestAlgorithm.sha256.hash(whole))
    check(whole)
    return 0
}

private func check(_ bytes: [UInt8]) {
    guard let (record, data) = JournalRecord.read(bytes) else { return }
    let written = record.bytes(data)
    precondition(Array(bytes.prefix(written.count)) == written, "a record that was read is written differently")
    precondition(data.count == record.dataByteCount && record.windowByteCount <= 256 * 4096, "a window is too long")
}
