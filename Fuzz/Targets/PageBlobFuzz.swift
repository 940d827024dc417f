// modules: CofferCore CofferCrypto CofferModel CofferPlatform CofferCompute
import CofferCore
@testable import CofferCompute
import CofferModel
import CofferPlatform

/// What clients of disks' contents send: ranges and other headers, URLs, and the footer of a VHD.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: input.dropFirst(), as: UTF8.self)
    let byteCount = UInt64(input[0]) << 20 + 512
    let isWrite = input[0] % 2 == 1
    let request = APIRequest(
        method: isWrite ? .put : .get, host: "", path: [], query: isWrite ? [("comp", "page")] : [],
        headers: ["x-ms-range": text, "x-ms-page-write": "clear", "if-match": text], body: [], address: "", requestID: "", received: Timestamp(seconds: 0))
    switch try? PageBlobCall(request, byteCount: byteCount) {
    case .download(let range?):
        let clipped = range.clipped(to: ByteRange(offset: 0, length: byteCount))
        precondition(clipped.length > 0 && clipped.end <= byteCount, "a range is outside")
    case .clear(let range): precondition(range.end <= byteCount && range.offset % 512 == 0 && range.length % 512 == 0 && range.length > 0, "pages are not whole")
    default: break
    }
    if let (id, secret) = DiskAccessURL.parts(of: text) { precondition(id.utf8.count + secret.utf8.count <= text.utf8.count * 3, "text came from nowhere") }
    let size = UInt64(input[0]) << 20
    var footer = Array(input.prefix(VHDFooter.byteCount))
    footer += [UInt8](repeating: 0, count: VHDFooter.byteCount - footer.count)
    _ = VHDFooter.objection(to: footer, size: size)
    guard let disk = DiskID(bytes: Array(footer.prefix(16))) else { return 0 }
    var made = VHDFooter.bytes(size: size, disk: disk, created: Timestamp(seconds: Int64(input[0]) << 24))
    precondition(VHDFooter.objection(to: made, size: size) == nil, "our own footer is refused")
    made[Int(input[1]) * 2] ^= 1
    precondition(VHDFooter.objection(to: made, size: size) != nil, "a changed footer is taken")
    return 0
}
