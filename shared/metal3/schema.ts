// The zod building blocks of the kinds: what JSON Schema calls int32/int64/double.
// The kinds strip unknown fields on parsing, so a parsed object is for reading only, never for writing back.
import { z } from "zod";

export const int32 = () => z.number().int().meta({ format: "int32" });
export const int64 = () => z.number().int().meta({ format: "int64" });
export const double = () => z.number().meta({ format: "double" });
/** RFC 3339; the API server checks the form. */
export const dateTime = () => z.string().meta({ format: "date-time" });
