// modules: CofferCore CofferCrypto CofferModel CofferDiskFormat CofferBlock CofferVhost
@testable import CofferVhost
import Glibc

/// Any bytes as a front end's message, and as rings and tables in a guest's memory: chains are taken until one makes no sense, and every
/// piece of one lies within the memory.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    _ = VhostHeader(Array(input.prefix(12)))
    guard let memory = shared, let whole = memory.userRange(0x7000, byteCount) else { return 0 }
    whole.initializeMemory(as: UInt8.self, repeating: 0)
    for (index, byte) in input.prefix(byteCount).enumerated() { whole[index] = byte }
    guard
        var ring = try? SplitRing(
            memory, size: 16, at: SplitRing.Addresses(descriptors: 0x7000, used: 0x7000 + 2048, available: 0x7000 + 1024),
            taken: UInt16(input.count % 5), usesEventIndex: input.count % 2 == 0)
    else { return 0 }
    var segments: [SplitRing.Segment] = []
    for _ in 0..<64 {
        guard let head = try? ring.take(&segments) else { break }
        for segment in segments {
            let bytes = UnsafeRawBufferPointer(segment.bytes)
            if let base = bytes.baseAddress, let first = whole.baseAddress {
                precondition(base >= first && base + bytes.count <= first + whole.count, "a piece outside of the memory")
            }
        }
        ring.give(head, written: 1)
        _ = ring.shouldTell()
        _ = ring.awaitMore()
    }
    return 0
}

private let byteCount = 8192

/// Memory that the guest sees at 0x1000 and the front end at 0x7000.
private let shared: GuestMemory? = {
    var name = Array("/tmp/coffer-fuzz-XXXXXX".utf8CString)
    let file = name.withUnsafeMutableBufferPointer { mkstemp($0.baseAddress!) }
    _ = unlink(name)
    guard file >= 0, ftruncate(file, off_t(byteCount)) == 0,
        let description = GuestMemory.Description(guestAddress: 0x1000, byteCount: UInt64(byteCount), userAddress: 0x7000, fileOffset: 0)
    else { return nil }
    return try? GuestMemory([description], [file])
}()
