// modules: CofferCore CofferCrypto CofferModel CofferDiskFormat
import CofferCrypto
import CofferDiskFormat

/// Any bytes as a header file, and any bytes between a right beginning and a right checksum. What is read is written back the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    check(input)
    let length = UInt32(truncatingIfNeeded: 16 + input.count + 32)
    for version: UInt8 in [1, 2] {
        var whole = DiskHeader.magic + [0, 0, 0, version] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + input
        whole += DigestAlgorithm.sha256.hash(whole)
        check(whole)
    }
    return 0
}

private func check(_ bytes: [UInt8]) {
    guard let header = try? DiskHeader(bytes: bytes) else { return }
    precondition(header.bytes == bytes, "a header that was read is written differently")
}
