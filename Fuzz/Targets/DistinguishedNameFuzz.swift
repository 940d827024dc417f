// modules: CofferCore CofferCrypto
import CofferCrypto

/// Any text as an X.500 name. What is read is written so that it is read the same again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    guard let name = try? DistinguishedName(text) else { return 0 }
    precondition((try? DistinguishedName(name.text)) == name, "a name that was read is written differently")
    return 0
}
