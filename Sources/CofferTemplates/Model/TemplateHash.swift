package import CofferModel

/// Tells templates apart: equal for templates that differ in white space, comments and order alone. A decimal number, as Azure's is, though not the same one.
package enum TemplateHash {
    package static func text(of template: JSONValue) -> String {
        String(UniqueString.hash((try? JSON.encode(template)) ?? []))
    }
}
