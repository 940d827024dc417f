// modules: CofferCore CofferCrypto CofferModel CofferDiskFormat
import CofferDiskFormat
import CofferModel

/// Any bytes as an entry of a pool's directory: what is read is written back the same. And any text as a pool's name.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    precondition(DirectoryEntry(bytes: input).bytes == input, "an entry is written differently")
    let text = "rbd:" + String(decoding: input, as: UTF8.self)
    if let name = RBDPoolName(text) { precondition(name.description == text, "a name is written differently") }
    return 0
}
