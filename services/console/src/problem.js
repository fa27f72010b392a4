/** An error, with the fields of problem+json (RFC 9457). */
export class Problem extends Error {
  /** @param {{title: string, detail?: string, status?: number, request_id?: string}} problem */
  constructor({title, detail = "", status = 0, request_id = ""}) {
    super(detail || title);
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.requestId = request_id;
  }
}
