// modules: CofferCore CofferModel CofferPlatform CofferCrypto CofferImport
@testable import CofferImport
import CofferModel

/// Any bytes as the `image.json` of an image, and as an image's name.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let record = try? ImageRecord(json: bytes) {
        let catalogue = ImageCatalogue(directory: "/images")
        precondition(catalogue.path(of: record.name).split(separator: "/").count == 5, "a name leads elsewhere")
        guard let written = try? JSON.encode(record.json), let again = try? ImageRecord(json: written) else { preconditionFailure("a record cannot be written") }
        precondition(again == record, "a record is read as another one")
    }
    if let name = try? ImageName(String(decoding: bytes, as: UTF8.self)) {
        precondition(!name.description.contains("/") && !name.publisher.hasPrefix("."), "a name leads elsewhere")
    }
    return 0
}
