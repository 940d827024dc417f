// modules: CofferCore CofferModel CofferPlatform CofferCrypto CofferImport
@testable import CofferImport
import CofferModel
import CofferPlatform
import Foundation

/// What others send of disk images: the URI of a file, the bytes of one, and what qemu-img says of it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    for format in DiskImage.Format.allCases {
        let objection = ImageCheck.objection(to: format, head: bytes, tail: Array(bytes.suffix(ImageCheck.tailByteCount)))
        // No file is taken for two formats that have a mark.
        if objection == nil, format == .qcow2 || format == .vmdk || format == .vhdx {
            precondition(bytes.count >= 4)
        }
    }
    if let text = String(validating: bytes, as: UTF8.self), let location = try? ImageLocation(text) {
        precondition(location.path.hasPrefix("/") && !location.path.utf8.contains(0))
    }
    var meter = ProgressMeter()
    if let percent = meter.read(bytes) { precondition((0...100).contains(percent)) }
    if let info = try? JSON.decode(ImageInfo.self, from: bytes) { _ = info.objection(path: "/a") }
    return 0
}
