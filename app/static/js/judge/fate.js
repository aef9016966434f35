/** What to do with a copy found on this device. Pure: "none", "apply" (server has not moved on) or "conflict". */
export function fateOf(record, serverVersion) {
  if (!record) return "none";
  return record.version === serverVersion ? "apply" : "conflict";
}
