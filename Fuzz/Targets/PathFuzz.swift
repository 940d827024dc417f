// modules: CofferCore CofferModel CofferPlatform
import CofferModel
import CofferPlatform

/// Any text as a request's path and query, a resource id and a key's URL. An id that was read is written and read again the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    _ = RequestTarget.segments(of: text)
    _ = RequestTarget.query(of: text)
    if let url = KeyURL(text) { precondition(KeyURL(url.text) == url, "a key's URL does not read back") }
    if let id = ResourceID(text) {
        precondition(ResourceID(id.text) == id, "a resource id does not read back")
        _ = id.parent
        _ = id.extendedScope
        _ = id.child("keys", "k")
    }
    return 0
}
